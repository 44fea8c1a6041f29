//! Every value has exactly one source: read by the rule of docs/formats/aibom.md, which this file
//! carries out on its own, out of annotations and out of citations.

use std::collections::BTreeMap;

use job::CycloneDx;
use serde_json::{Map, Value};
use testkit::evidence::Fixture;

/// How a text begins, and what its source is called here: both the policy and an approver decide.
const WORDS: [(&str, &str); 8] = [
    ("Asserted by ", "Asserted"),
    ("Granted by ", "Granted"),
    ("Observed by ", "Observed"),
    ("Reported by ", "Reported"),
    ("Scanned by ", "Scanned"),
    ("Decided by the policy ", "Decided"),
    ("Decided by spiffe://", "Released"),
    ("Derived by ", "Derived"),
];

/// A value that is no list and no object, and where it stands.
struct Leaf {
    pointer: String,
    text: String,
    /// The way to it: index or name of a member, or the `name` of an item.
    names: Vec<String>,
    /// bom-ref and depth of everything around it that has one, outermost first.
    subjects: Vec<(String, usize)>,
}

fn escaped(segment: &str) -> String {
    segment.replace('~', "~0").replace('/', "~1")
}

fn leaves(value: &Value, at: &Leaf, out: &mut Vec<Leaf>) {
    let mut here = Leaf {
        pointer: at.pointer.clone(),
        text: String::new(),
        names: at.names.clone(),
        subjects: at.subjects.clone(),
    };
    let step = |here: &Leaf, segment: &str, name: String| Leaf {
        pointer: format!("{}/{}", here.pointer, escaped(segment)),
        text: String::new(),
        names: [here.names.clone(), vec![name]].concat(),
        subjects: here.subjects.clone(),
    };
    match value {
        Value::Object(members) => {
            if let Some(reference) = members.get("bom-ref").and_then(Value::as_str) {
                here.subjects.push((reference.to_owned(), here.names.len()));
            }
            for (name, member) in members {
                leaves(member, &step(&here, name, name.clone()), out);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let index = index.to_string();
                let name = item["name"].as_str().filter(|name| !name.is_empty());
                leaves(item, &step(&here, &index, name.unwrap_or(&index).to_owned()), out);
            }
        }
        Value::String(text) => out.push(Leaf { text: text.clone(), ..here }),
        other => out.push(Leaf { text: other.to_string(), ..here }),
    }
}

fn all_leaves(bom: &Value) -> Vec<Leaf> {
    let root = Leaf {
        pointer: String::new(),
        text: String::new(),
        names: Vec::new(),
        subjects: Vec::new(),
    };
    let mut out = Vec::new();
    leaves(bom, &root, &mut out);
    out
}

/// Source word and fields of a text, by the documented form.
fn parsed(text: &str) -> (&'static str, Vec<&str>) {
    let word = WORDS.into_iter().find(|(begin, _)| text.starts_with(begin));
    let (_, word) = word.ok_or(text).unwrap();
    let (_, fields) = text.split_once(": ").unwrap();
    (word, fields.split(", ").collect())
}

/// How closely `field` names the value at `names` below its subject; `None` when it does not.
fn closeness(field: &str, names: &[String]) -> Option<(usize, bool, usize)> {
    if field == "everything" {
        return Some((0, false, 0));
    }
    let segments: Vec<&str> = field.split('/').skip(1).collect();
    let plain =
        |s: &str| s.replace("~4", "*").replace("~2", ",").replace("~1", "/").replace("~0", "~");
    for (index, (segment, name)) in segments.iter().zip(names).enumerate() {
        let last = index + 1 == segments.len();
        let fits = match segment.strip_suffix('*').filter(|_| last) {
            Some(begin) => name.starts_with(&plain(begin)),
            None => *name == plain(segment),
        };
        if !fits {
            return None;
        }
    }
    (segments.len() <= names.len()).then_some((segments.len(), !field.ends_with('*'), field.len()))
}

type Rules = BTreeMap<String, Vec<(&'static str, String)>>;

/// The fields by subject; those of the document stand under an empty one.
fn rules(bom: &Value) -> Rules {
    let mut out = Rules::new();
    for annotation in bom["annotations"].as_array().into_iter().flatten() {
        if !annotation["bom-ref"].as_str().unwrap().starts_with("source/") {
            continue;
        }
        let (word, fields) = parsed(annotation["text"].as_str().unwrap());
        for subject in annotation["subjects"].as_array().unwrap() {
            for field in &fields {
                let (subject, field) = match field.strip_prefix('$') {
                    Some(field) => ("", field),
                    None => (subject.as_str().unwrap(), *field),
                };
                out.entry(subject.to_owned()).or_default().push((word, field.to_owned()));
            }
        }
    }
    out
}

/// The one source among the closest fields; an error names all that tie, or says that there is none.
fn only<K: Ord + Copy>(found: &[(K, &'static str)]) -> Result<&'static str, String> {
    let best = found.iter().map(|(close, _)| *close).max().ok_or("no source")?;
    let mut words: Vec<&str> =
        found.iter().filter(|(close, _)| *close == best).map(|(_, word)| *word).collect();
    words.dedup();
    match words.as_slice() {
        [word] => Ok(WORDS.into_iter().find(|(_, known)| known == word).unwrap().1),
        _ => Err(format!("several sources: {words:?}")),
    }
}

/// Who says a value by the annotations: the nearest subject outwards that has a field for it.
fn by_annotations(rules: &Rules, leaf: &Leaf) -> Result<&'static str, String> {
    let mut absolute = Vec::new();
    let mut nearest = None;
    let subjects = leaf.subjects.iter().rev().cloned().chain([(String::new(), 0)]);
    for (subject, depth) in subjects {
        let mut found = Vec::new();
        for (word, field) in rules.get(&subject).into_iter().flatten() {
            if let Some(close) = closeness(field, &leaf.names[depth..]) {
                found.push((close, *word));
                absolute.push(((close.0 + depth, close.1, close.2), *word));
            }
        }
        if nearest.is_none() && !found.is_empty() {
            nearest = Some(only(&found)?);
        }
    }
    let nearest = nearest.ok_or("no source")?;
    // However a reader counts the length, it comes to the same.
    let longest = only(&absolute)?;
    if nearest == longest { Ok(nearest) } else { Err(format!("{nearest} or {longest}")) }
}

/// Which sources are cited for each pointer.
fn cited(bom: &Value) -> BTreeMap<&str, Vec<&'static str>> {
    let mut out: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for citation in bom["citations"].as_array().into_iter().flatten() {
        let (word, _) = parsed(citation["note"].as_str().unwrap());
        for pointer in citation["pointers"].as_array().unwrap() {
            out.entry(pointer.as_str().unwrap()).or_default().push(word);
        }
    }
    out
}

/// Who says a value by the citations: the longest pointer to it or to what it stands in.
fn by_citations(
    cited: &BTreeMap<&str, Vec<&'static str>>,
    leaf: &Leaf,
) -> Result<&'static str, String> {
    let mut pointer = leaf.pointer.as_str();
    loop {
        if let Some(words) = cited.get(pointer) {
            return only(&words.iter().map(|word| ((), *word)).collect::<Vec<_>>());
        }
        (pointer, _) = pointer.rsplit_once('/').ok_or("no source")?;
    }
}

/// Pointer, text and source of every value of a document.
pub(crate) fn attributed(bom: &Value) -> Vec<(String, String, Result<&'static str, String>)> {
    let rules = rules(bom);
    let cited = cited(bom);
    let with_citations = bom["specVersion"] == "1.7";
    let source = |leaf: &Leaf| {
        if with_citations { by_citations(&cited, leaf) } else { by_annotations(&rules, leaf) }
    };
    all_leaves(bom)
        .into_iter()
        .map(|leaf| {
            let source = source(&leaf);
            (leaf.pointer, leaf.text, source)
        })
        .collect()
}

/// Checks that every value has one source.
pub(crate) fn check(bom: &Value) {
    let wrong: Vec<String> = attributed(bom)
        .into_iter()
        .filter_map(|(pointer, text, source)| {
            Some(format!("{pointer} ({text:.40}): {}", source.err()?))
        })
        .collect();
    assert!(wrong.is_empty(), "{} values:\n{}", wrong.len(), wrong.join("\n"));
}

fn versions() -> [Value; 2] {
    [CycloneDx::V1_6, CycloneDx::V1_7]
        .map(|version| crate::aibom(&crate::schema::of_version(version)))
}

#[test]
fn every_value_has_exactly_one_source_in_annotations() {
    check(&versions()[0]);
    check(&crate::aibom(&crate::scans::incomplete("no vulnerability database")));
}

#[test]
fn every_value_has_exactly_one_source_in_citations() {
    check(&versions()[1]);
}

#[test]
fn annotations_and_citations_say_the_same() {
    let [annotated, cited] = versions().map(|bom| {
        let all = attributed(&bom).into_iter();
        all.map(|(pointer, _, source)| (pointer, source.unwrap())).collect::<BTreeMap<_, _>>()
    });
    let of_both = |pointer: &str| {
        !["/annotations", "/citations", "/metadata/distributionConstraints"]
            .iter()
            .any(|begin| pointer.starts_with(begin))
    };
    for (pointer, source) in annotated.iter().filter(|(pointer, _)| of_both(pointer)) {
        assert_eq!(cited.get(pointer), Some(source), "{pointer}");
    }
    let count = |all: &BTreeMap<String, &str>| all.keys().filter(|p| of_both(p)).count();
    assert_eq!(count(&annotated), count(&cited));
}

#[test]
fn a_source_too_few_or_too_many_is_seen() {
    let words = |bom: &Value| -> Vec<Result<&'static str, String>> {
        let all = attributed(bom).into_iter();
        all.filter(|(p, ..)| !p.starts_with("/annotations") && !p.starts_with("/citations"))
            .map(|(_, _, source)| source)
            .collect()
    };
    for (bom, list) in versions().into_iter().zip(["annotations", "citations"]) {
        let good = words(&bom);
        assert!(good.iter().all(Result::is_ok));
        let all = bom[list].as_array().unwrap().iter();
        let source = |s: &&Value| s["bom-ref"].as_str().unwrap().starts_with("source/");
        for index in [0, 1, all.filter(source).count() - 1] {
            let mut fewer = bom.clone();
            fewer[list].as_array_mut().unwrap().remove(index);
            assert_ne!(words(&fewer), good, "{list} {index} says nothing");
        }
        let mut more = bom.clone();
        let text = more[list][0].to_string().replace("Asserted by", "Scanned by");
        more[list].as_array_mut().unwrap().push(serde_json::from_str(&text).unwrap());
        assert!(words(&more).iter().any(Result::is_err));
    }
}

#[test]
fn citations_are_attributed_to_whoever_signed() {
    let bom = crate::aibom(&crate::schema::of_version(CycloneDx::V1_7));
    let mut names = Vec::new();
    crate::references::names(&bom, &mut names);
    let mut kinds = Map::new();
    for citation in bom["citations"].as_array().unwrap() {
        let to = citation["attributedTo"].as_str().unwrap();
        assert!(names.iter().any(|name| name == to), "{to} is nobody");
        for pointer in citation["pointers"].as_array().unwrap() {
            let pointer = pointer.as_str().unwrap();
            assert!(bom.pointer(pointer).is_some(), "{pointer} points at nothing");
        }
        let word = parsed(citation["note"].as_str().unwrap()).0;
        let kind = to.split('/').next().unwrap();
        assert_eq!(kinds.entry(word).or_insert_with(|| kind.into()), kind);
    }
    assert_eq!(kinds["Decided"], "key");
    assert_eq!(kinds["Reported"], "image");
    assert_eq!(kinds["Derived"], "tool");
    assert_eq!(kinds["Observed"], "key");
}

#[test]
fn a_trainer_cannot_name_itself_into_another_source() {
    let name = "x in the container, passed on by spiffe://mesh.test/a: /name, b";
    let fixture = Fixture::new().request(move |r| r.spec.trainer.name = name.to_owned());
    check(&crate::aibom(&fixture));
}
