//! What is to be considered before the model is used: the submitter's words, and the energy that its
//! training took.

use evidence::{Energy, VerifiedEvidence};
use job::ModelInfo;

use crate::claims::{Claims, Source, given};
use crate::cyclonedx::model_card::{
    Considerations, EnergyConsumption, EnergyMeasure, EnergyProvider, EnvironmentalConsiderations,
    FairnessAssessment, Risk,
};
use crate::cyclonedx::{Entity, property};
use crate::refs;

/// Millijoules in a kilowatt-hour.
const MILLIJOULES_PER_KWH: f64 = 3.6e9;

pub(super) fn considerations(evidence: &VerifiedEvidence, claims: &mut Claims) -> Considerations {
    let info = &evidence.request().spec.model;
    claims.add(Source::Asserted, refs::MODEL, &asserted(info));
    let energy = &evidence.training().predicate.run_details.observed.usage.energy;
    let measured = !energy.is_empty();
    let observed = given([("/modelCard/considerations/environmentalConsiderations", measured)]);
    claims.add(Source::Observed, refs::MODEL, &observed);
    let energy_consumptions = energy
        .iter()
        .enumerate()
        .map(|(index, energy)| consumption(index, energy, claims))
        .collect();
    let risks = info
        .ethical_risks
        .iter()
        .map(|risk| Risk { name: risk.name.clone(), mitigation_strategy: risk.mitigation.clone() });
    let misuse = info
        .misuse
        .iter()
        .map(|text| Risk { name: format!("Misuse: {text}"), mitigation_strategy: None });
    Considerations {
        users: info.users.clone(),
        use_cases: info.intended_use.iter().cloned().collect(),
        technical_limitations: info.limitations.iter().chain(&info.out_of_scope).cloned().collect(),
        performance_tradeoffs: info.trade_offs.clone(),
        ethical_considerations: risks.chain(misuse).collect(),
        fairness_assessments: fairness(info),
        environmental_considerations: EnvironmentalConsiderations { energy_consumptions },
    }
}

/// Which members the submitter filled.
fn asserted(info: &ModelInfo) -> Vec<&'static str> {
    let limits = !info.limitations.is_empty() || info.out_of_scope.is_some();
    let risks = !info.ethical_risks.is_empty() || info.misuse.is_some();
    given([
        ("/modelCard/considerations/users", !info.users.is_empty()),
        ("/modelCard/considerations/useCases", info.intended_use.is_some()),
        ("/modelCard/considerations/technicalLimitations", limits),
        ("/modelCard/considerations/performanceTradeoffs", !info.trade_offs.is_empty()),
        ("/modelCard/considerations/ethicalConsiderations", risks),
        ("/modelCard/considerations/fairnessAssessments", !info.fairness.is_empty()),
    ])
}

fn fairness(info: &ModelInfo) -> Vec<FairnessAssessment> {
    let assessment = |said: &job::Fairness| FairnessAssessment {
        group_at_risk: said.group.clone(),
        benefits: said.benefits.clone(),
        harms: said.harms.clone(),
        mitigation_strategy: said.mitigation.clone(),
    };
    info.fairness.iter().map(assessment).collect()
}

/// What one counter measured. Counters are never added up: one may hold what another holds, too.
fn consumption(index: usize, energy: &Energy, claims: &mut Claims) -> EnergyConsumption {
    let bom_ref = format!("{}/energy/{index}", refs::CARD);
    claims.add(
        Source::Derived,
        &bom_ref,
        &["/bom-ref", "/description", "/energySource", "/organization"],
    );
    let measure = EnergyMeasure { unit: "kWh", value: kilowatt_hours(energy.millijoules) };
    EnergyConsumption {
        activity: "training",
        activity_energy_cost: measure,
        energy_providers: [EnergyProvider {
            bom_ref,
            description: scope(&energy.counter),
            energy_provided: measure,
            energy_source: "unknown",
            // Nobody in the evidence says who made the energy; the operator only used it.
            organization: Entity { name: Some("not stated".to_owned()), ..Entity::default() },
        }],
        properties: vec![
            property("energy:counter", &energy.counter),
            property("energy:millijoules", energy.millijoules),
        ],
    }
}

/// To the precision of a double; the exact number stands beside it, in millijoules.
fn kilowatt_hours(millijoules: u64) -> f64 {
    millijoules as f64 / MILLIJOULES_PER_KWH
}

/// What a counter of this name counts.
fn scope(counter: &str) -> &'static str {
    if counter.starts_with("nvml:") {
        "The energy of this GPU alone; who provided it is not stated."
    } else if counter.starts_with("rapl:") {
        "The energy of the whole processor package, whatever else ran on it; who provided it is not \
         stated."
    } else {
        "Who provided the energy is not stated."
    }
}
