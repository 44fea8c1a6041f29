//! The training as a build: with what, from what, what came out, and for whom.

use super::{
    agents::agent,
    element::{Element, Located, entry, hashes},
    graph::Graph,
    model::parameters,
};

/// As the evidence names this kind of build.
const BUILD_TYPE: &str = "urn:aibom:training:v1";

/// The tasks whose bom-ref begins so, and the workflow around each.
fn workflows<'a>(graph: &Graph<'a>) -> Vec<Located<'a>> {
    let document = Located { value: graph.aibom.value(), at: String::new() };
    let formulas: Vec<_> = document.items("/formulation").collect();
    formulas.iter().flat_map(|formula| formula.items("/workflows").collect::<Vec<_>>()).collect()
}

/// The tasks whose bom-ref begins with `prefix`.
pub(super) fn tasks<'a>(graph: &Graph<'a>, prefix: &str) -> Vec<Located<'a>> {
    let all = workflows(graph);
    let all = all.iter().flat_map(|workflow| workflow.items("/tasks").collect::<Vec<_>>());
    all.filter(|task| task.text("/bom-ref").starts_with(prefix)).collect()
}

/// Adds the build that was observed.
pub(super) fn add(graph: &mut Graph<'_>) {
    let observed = workflows(graph).into_iter().find(|w| w.text("/bom-ref") == "workflow/observed");
    let Some(workflow) = observed else { return };
    let id = graph.id("workflow/observed");
    let mut element = Element::new("build_Build", id.clone());
    element
        .put("build_buildType", BUILD_TYPE)
        .copy("name", &workflow, "/name")
        .copy("build_buildId", &workflow, "/uid")
        .take(
            "build_buildStartTime",
            graph.time(workflow.text("/timeStart")),
            format!("{}/timeStart", workflow.at),
        )
        .take(
            "build_buildEndTime",
            graph.time(workflow.text("/timeEnd")),
            format!("{}/timeEnd", workflow.at),
        );
    if let Some((entries, at)) = parameters(graph, "task/observed/train") {
        element.take("build_parameter", entries, at);
    }
    let definition =
        graph.components().into_iter().find(|c| c.text("/bom-ref") == "input/definition");
    if let Some(definition) = definition {
        let at = format!("{}/hashes", definition.at);
        element.take("build_configSourceDigest", hashes(definition.list("/hashes")), at);
    }
    let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
    for task in tasks(graph, "task/observed/train") {
        for input in task.items("/inputs") {
            inputs.push(graph.id(input.text("/resource/ref")));
            environment(&mut element, &input);
        }
        outputs.extend(task.items("/outputs").map(|output| graph.id(output.text("/resource/ref"))));
        let steps: Vec<_> = task.items("/steps").collect();
        let commands = steps.iter().flat_map(|step| step.items("/commands").collect::<Vec<_>>());
        if let Some(command) = commands.into_iter().next() {
            let at = format!("{}/executed", command.at);
            element.take("build_configSourceEntrypoint", vec![command.text("/executed")], at);
        }
    }
    graph.add(element);
    graph.relate(&id, "hasInput", inputs);
    graph.relate(&id, "hasOutput", outputs.clone());
    graph.relate(&id, "generates", outputs);
    let tools = graph.tools.clone();
    graph.relate(&id, "usesTool", tools);
    let hosts = graph.components().into_iter().map(|c| c.text("/bom-ref"));
    let hosts =
        hosts.filter(|r| *r == "host" || *r == "host/os").take(1).map(|r| graph.id(r)).collect();
    graph.relate(&id, "hasHost", hosts);
    let document = Located { value: graph.aibom.value(), at: String::new() };
    let release = document.below("/metadata/component");
    if let Some((user, at)) = release.and_then(|release| release.property("aibom:request:user")) {
        let user = agent(graph, user, at);
        graph.relate(&id, "invokedBy", vec![user]);
    }
}

/// The names of environment variables; the AIBoM does not have their values.
fn environment(element: &mut Element, input: &Located<'_>) {
    let all = input.list("/environmentVars").iter();
    let entries: Vec<_> = all
        .filter_map(|variable| {
            let name = variable.as_str().or_else(|| variable.get("name")?.as_str())?;
            Some(entry(name, crate::aibom::text(variable, "/value")))
        })
        .collect();
    element.take("build_environment", entries, format!("{}/environmentVars", input.at));
}
