"""What a page asks the network for: `page_requests.py PAGE.html`; needs Chromium on the path.

Chromium's own log of everything that it asks for is read for an empty page, for PAGE, and for two
pages that must tell whether this measures anything: one that asks for an image, and PAGE with an
image, a script and a style sheet put into it, which its policy must stop.
Exit 0 when only the second of these asks for anything.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

TARGET = "http://127.0.0.1:9/"
CONTROL = f'<!DOCTYPE html><title>control</title><img src="{TARGET}x.png">'
INJECTED = (
    f'<img src="{TARGET}x.png"><script src="{TARGET}x.js"></script>'
    f'<link rel="stylesheet" href="{TARGET}x.css"></main>'
)


def asked(url, folder):
    """The addresses in Chromium's log, without their queries."""
    log = folder / "net.json"
    command = [
        "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        f"--user-data-dir={tempfile.mkdtemp(dir=folder)}", f"--log-net-log={log}",
        "--window-size=1280,2000", f"--screenshot={folder / 'page.png'}", url,
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return {found.split("?")[0] for found in re.findall(r'"url":"([^"]*)"', log.read_text())}


def main():
    """Measures the page that the command line names."""
    page = pathlib.Path(sys.argv[1]).read_text()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        own = asked("about:blank", folder)
        print("the browser itself:", *sorted(own))
        found = {}
        pages = {"page": page, "control": CONTROL, "injected": page.replace("</main>", INJECTED)}
        for label, text in pages.items():
            file = folder / f"{label}.html"
            file.write_text(text)
            found[label] = sorted(asked(file.as_uri(), folder) - own)
            print(f"{label}: {found[label]}")
    return 0 if found == {"page": [], "control": [f"{TARGET}x.png"], "injected": []} else 1


if __name__ == "__main__":
    sys.exit(main())
