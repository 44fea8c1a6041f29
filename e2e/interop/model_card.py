"""Reads a model card as Hugging Face does: `model_card.py CARD`; prints what it found as JSON.

Exit 0 when the card loads and says what one of ours must say, 1 when it does not.
"""

import json
import os
import sys

os.environ["HF_HUB_OFFLINE"] = "1"

from huggingface_hub import ModelCard, __version__  # noqa: E402

KEYS = {
    "library_name", "license", "license_name", "metrics", "model-index", "pipeline_tag", "tags",
}
PIPELINES = {"tabular-classification", "tabular-regression"}


def judge(path):
    """The front matter, its results, and what is wrong with them."""
    # A missing model name would otherwise only be a warning.
    card = ModelCard.load(path, ignore_metadata_errors=False)
    data = card.data.to_dict()
    results = card.data.eval_results or []
    wrong = []
    if unknown := sorted(set(data) - KEYS):
        wrong.append(f"keys that no card of ours has: {unknown}")
    if data.get("library_name") != "keras":
        wrong.append(f"library_name {data.get('library_name')!r}")
    if data.get("pipeline_tag") not in PIPELINES:
        wrong.append(f"pipeline_tag {data.get('pipeline_tag')!r}")
    if not results:
        wrong.append("no results")
    for result in results:
        if result.verified is not False:
            wrong.append(f"{result.metric_type}: verified is {result.verified!r}")
        if isinstance(result.metric_value, bool) or not isinstance(result.metric_value, (int, float)):
            wrong.append(f"{result.metric_type}: value {result.metric_value!r}")
    found = [
        {
            "split": result.dataset_split,
            "metric": result.metric_type,
            "value": result.metric_value,
            "verified": result.verified,
        }
        for result in results
    ]
    data.pop("model-index", None)
    return {
        "huggingface_hub": __version__,
        "front_matter": data,
        "model_name": card.data.model_name if results else None,
        "results": found,
        "wrong": wrong,
    }


def main():
    """Judges the card that the command line names."""
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    report = judge(sys.argv[1])
    print(json.dumps(report, indent=2))
    return 1 if report["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
