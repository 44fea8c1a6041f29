#!/usr/bin/env python3
"""Judges `aibom bom export --to spdx` with the SPDX project's own software, without a network.

    python3 -m venv venv && venv/bin/pip install -r e2e/interop/spdx.requirements.txt
    venv/bin/python e2e/interop/spdx.py FILE.spdx.json...      judge
    venv/bin/python e2e/interop/spdx.py --schema FILE          write the JSON schema of libs/report/schema

Three judges: the JSON schema (jsonschema), SHACL (pyshacl), and the strict reader of
spdx-python-model. spdx.org is not asked: the ontology is taken out of spdx-python-model, which
the SPDX project generates from spdx-model.ttl, and turned back into SHACL shapes and a JSON-LD
context; the JSON schema is made of them by shacl2code, the generator of the published one.
A spoiled copy of each document must be refused by all three: a judge that cannot refuse is none.
"""

import copy
import io
import itertools
import json
import pathlib
import subprocess
import sys
import tempfile

from rdflib import OWL, RDF, RDFS, SH, XSD, BNode, Graph, Literal, URIRef
from rdflib.collection import Collection
from spdx_python_model.bindings.v3_0_1 import model as m

TERMS = "https://spdx.org/rdf/3.0.1/terms/"
CONTEXT = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"
SHACL2CODE = "https://jpewdev.github.io/shacl2code/schema#"
NODE_KIND = {"IRI": SH.IRI, "BlankNode": SH.BlankNode, "BlankNodeOrIRI": SH.BlankNodeOrIRI}
DATATYPE = {
    m.StringProp: XSD.string, m.AnyURIProp: XSD.anyURI, m.DateTimeProp: XSD.dateTime,
    m.DateTimeStampProp: XSD.dateTimeStamp, m.IntegerProp: XSD.integer,
    m.PositiveIntegerProp: XSD.positiveInteger, m.NonNegativeIntegerProp: XSD.nonNegativeInteger,
    m.BooleanProp: XSD.boolean, m.FloatProp: XSD.decimal,
}


def property_shape(graph, context, cls, described):
    """Adds one property of a class, and its entry in the context."""
    shape, path = BNode(), URIRef(described.iri)
    graph.add((cls, SH.property, shape))
    graph.add((shape, SH.path, path))
    kind = described.reg()
    if isinstance(kind, m.ListProp):
        kind = kind.prop
        if described.max_count is not None:
            graph.add((shape, SH.maxCount, Literal(described.max_count)))
    else:
        graph.add((shape, SH.maxCount, Literal(1)))
    if described.min_count is not None:
        graph.add((shape, SH.minCount, Literal(described.min_count)))
    entry = {"@id": described.iri}
    if isinstance(kind, m.EnumProp):
        values = [iri for iri, _ in kind.context]
        of = values[0].rsplit("/", 1)[0]
        head = BNode()
        Collection(graph, head, [URIRef(value) for value in values])
        graph.add((shape, SH["in"], head))
        graph.add((shape, SH["class"], URIRef(of)))
        graph.add((path, RDFS.range, URIRef(of)))
        entry |= {"@type": "@vocab", "@context": {"@vocab": of + "/"}}
    elif isinstance(kind, m.ObjectProp):
        context.update({compact: iri for iri, compact in kind.context if compact})
        graph.add((shape, SH["class"], URIRef(kind.cls._TYPE)))
        graph.add((shape, SH.nodeKind, NODE_KIND[kind.cls.NODE_KIND.name]))
        graph.add((path, RDFS.range, URIRef(kind.cls._TYPE)))
        entry["@type"] = "@vocab" if kind.context else "@id"
    else:
        datatype = DATATYPE[type(kind)]
        graph.add((shape, SH.datatype, datatype))
        graph.add((shape, SH.nodeKind, SH.Literal))
        graph.add((path, RDFS.range, datatype))
        if kind.pattern:
            graph.add((shape, SH.pattern, Literal(kind.pattern)))
        entry["@type"] = str(datatype)
    context[described.compact] = entry


def ontology():
    """The SHACL shapes and the JSON-LD context that spdx-python-model was generated from."""
    graph, context = Graph(), {"spdx": TERMS, "spdxId": "@id", "type": "@type"}
    classes = [c for c in vars(m).values() if isinstance(c, type) and issubclass(c, m.SHACLObject)]
    for c in classes:
        if not (c._TYPE or "").startswith(TERMS):
            continue
        cls = URIRef(c._TYPE)
        graph.add((cls, RDF.type, OWL.Class))
        graph.add((cls, RDF.type, SH.NodeShape))
        graph.add((cls, SH.nodeKind, NODE_KIND[c.NODE_KIND.name]))
        context[c._COMPACT_TYPE] = c._TYPE
        for base in c.__bases__:
            if (base._TYPE or "").startswith(TERMS):
                graph.add((cls, RDFS.subClassOf, URIRef(base._TYPE)))
        if c.ID_ALIAS:
            graph.add((cls, URIRef(SHACL2CODE + "idPropertyName"), Literal(c.ID_ALIAS)))
        if m.SHACLExtensibleObject in c.__bases__:
            graph.add((cls, URIRef(SHACL2CODE + "isExtensible"), Literal(True)))
        if c.IS_ABSTRACT:
            shape, never = BNode(), BNode()
            graph.add((cls, SH.property, shape))
            graph.add((shape, SH.path, RDF.type))
            graph.add((shape, SH["not"], never))
            graph.add((never, SH.hasValue, cls))
        for iri in c.__dict__["NAMED_INDIVIDUALS"].values():
            graph.add((URIRef(iri), RDF.type, OWL.NamedIndividual))
            graph.add((URIRef(iri), RDF.type, cls))
        inherited = {name for base in c.__bases__ for name in base._OBJ_PY_PROPS}
        for name, described in c._OBJ_PY_PROPS.items():
            if name not in inherited:
                property_shape(graph, context, cls, described)
    # Twice, as in the copy of the schema that cdxgen ships: without it the two would differ here.
    twice = BNode()
    graph.add((URIRef(TERMS + "Core/Element"), SH.property, twice))
    graph.add((twice, SH.path, URIRef(TERMS + "Core/extension")))
    graph.add((twice, SH["class"], URIRef(TERMS + "Extension/Extension")))
    return graph, {"@context": context}


def schema(graph, context):
    """The JSON schema that shacl2code makes of the ontology."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        graph.serialize(folder / "model.ttl", format="turtle")
        (folder / "context.jsonld").write_text(json.dumps(context))
        subprocess.run(
            [pathlib.Path(sys.executable).with_name("shacl2code"), "generate", "--input",
             folder / "model.ttl", "--context-url", folder / "context.jsonld", CONTEXT,
             "jsonschema", "--output", folder / "schema.json"], check=True)
        return (folder / "schema.json").read_text()


def by_schema(document, judge, hurry):
    """What the schema finds; in a hurry only the first of it. The elements go in one by one, for it
    says nothing of several together, and the last, which is the creation info, goes first: a whole
    job is slow to refuse."""
    whole = (dict(document, **{"@graph": [element]}) for element in reversed(document["@graph"]))
    errors = (error for one in whole for error in judge.iter_errors(one))
    return [f"{e.json_path}: {e.message:.200}" for e in itertools.islice(errors, 1 if hurry else None)]


def vocabulary(graph):
    """The ontology with a creation info for the individuals that are elements, such as
    NoAssertionLicense: they have one where they are published, the bindings left it out, and SHACL
    judges them as it judges the document."""
    whole, creation = Graph(), BNode()
    whole += graph
    core = TERMS + "Core/"
    whole.add((creation, RDF.type, URIRef(core + "CreationInfo")))
    whole.add((creation, URIRef(core + "specVersion"), Literal("3.0.1")))
    whole.add((creation, URIRef(core + "createdBy"), URIRef(core + "SpdxOrganization")))
    created = Literal("2024-11-22T03:00:01Z", datatype=XSD.dateTimeStamp)
    whole.add((creation, URIRef(core + "created"), created))
    for cls in m.SHACLObject.CLASSES.values():
        if issubclass(cls, m.Element):
            for iri in cls.__dict__["NAMED_INDIVIDUALS"].values():
                whole.add((URIRef(iri), URIRef(core + "creationInfo"), creation))
    return whole


def by_shacl(document, shapes, context, hurry):
    """What SHACL finds; in a hurry only the first of it."""
    from pyshacl import validate

    local = dict(document, **{"@context": context["@context"]})
    data = Graph().parse(data=json.dumps(local), format="json-ld")
    conforms, _, text = validate(
        data, shacl_graph=shapes, ont_graph=vocabulary(shapes), abort_on_first=hurry)
    found = [] if conforms else [line for line in text.splitlines() if "Message" in line or "Focus" in line]
    return found, len(data)


def by_reader(document):
    objects = m.SHACLObjectSet()
    try:
        m.JSONLDDeserializer().read(io.BytesIO(json.dumps(document).encode()), objects)
        missing = objects.link()
        # Writing checks every count and class.
        m.JSONLDSerializer().write(objects, io.BytesIO())
    except (ValueError, TypeError, KeyError) as error:
        return [str(error)]
    return [f"does not resolve: {one}" for one in missing or []]


def spoiled(document):
    """A copy that nobody created, with relationships of a kind that there is not."""
    bad = copy.deepcopy(document)
    for element in bad["@graph"]:
        if element["type"] == "CreationInfo":
            element["createdBy"] = []
        if element["type"] == "Relationship":
            element["relationshipType"] = "likes"
    return bad


def main(arguments):
    import jsonschema

    graph, context = ontology()
    text = schema(graph, context)
    if arguments[:1] == ["--schema"]:
        pathlib.Path(arguments[1]).write_text(text)
        return 0
    kept = pathlib.Path(__file__).parents[2] / "libs/report/schema/spdx-3.0.1.schema.json"
    same = kept.read_text() == text
    print(f"JSON schema made again is the one in libs/report/schema: {same}")
    judge = jsonschema.Draft202012Validator(json.loads(text))
    failed = not same
    for name in arguments:
        document = json.loads(pathlib.Path(name).read_text())
        for what, subject, wanted in (("as written", document, True), ("spoiled", spoiled(document), False)):
            shacl, triples = by_shacl(subject, graph, context, not wanted)
            found = {"JSON schema": by_schema(subject, judge, not wanted), "SHACL": shacl, "reader": by_reader(subject)}
            for by, errors in found.items():
                verdict = "valid" if not errors else f"{len(errors)} errors"
                right = (not errors) == wanted
                failed |= not right
                print(f"{'ok  ' if right else 'FAIL'} {name} {what}: {by}: {verdict} ({len(subject['@graph'])} elements, {triples} triples)")
                for error in errors[:5] if not right else []:
                    print("      ", error)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
