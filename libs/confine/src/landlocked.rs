//! Landlock: which files may be opened, which TCP ports used, whom signals reach.

use std::path::PathBuf;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible as _, LandlockStatus,
    NetPort, PathBeneath, PathFd, Ruleset, RulesetAttr as _, RulesetCreated,
    RulesetCreatedAttr as _, RulesetError, Scope,
};

use crate::{Applied, ConfineError, Layer, Network, Policy};

/// The newest rights that this policy was tested with.
const TESTED: ABI = ABI::V6;

pub(crate) fn apply(policy: &Policy, applied: &mut Applied) -> Result<(), ConfineError> {
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .scope(Scope::from_all(TESTED))
        .map_err(refused)?;
    if policy.files.is_some() {
        rules = rules.handle_access(AccessFs::from_all(TESTED)).map_err(refused)?;
    }
    if policy.network != Network::Any {
        rules = rules.handle_access(AccessNet::from_all(TESTED)).map_err(refused)?;
    }
    let mut rules = rules.create().map_err(refused)?;
    if let Some(files) = &policy.files {
        let read = AccessFs::ReadFile | AccessFs::ReadDir;
        // Nothing that lies there is ever run.
        let write = AccessFs::from_all(TESTED) & !BitFlags::from(AccessFs::Execute);
        rules = allow_paths(rules, &files.read, read)?;
        rules = allow_paths(rules, &files.write, write)?;
        rules = allow_paths(rules, &files.execute, read | AccessFs::Execute)?;
    }
    if let Network::Tcp { listen, dial } = &policy.network {
        for (ports, access) in [(listen, AccessNet::BindTcp), (dial, AccessNet::ConnectTcp)] {
            for port in ports {
                rules = rules.add_rule(NetPort::new(*port, access)).map_err(refused)?;
            }
        }
    }
    let status = rules.restrict_self().map_err(refused)?;
    let abi = match status.landlock {
        LandlockStatus::Available { effective_abi, .. } => effective_abi,
        LandlockStatus::NotEnabled | LandlockStatus::NotImplemented => ABI::Unsupported,
    };
    let asked = [
        (policy.files.is_some(), Layer::Files, ABI::V1),
        (policy.network != Network::Any, Layer::TcpPorts, ABI::V4),
        (true, Layer::Scopes, ABI::V6),
    ];
    for (_, layer, since) in asked.into_iter().filter(|(asked, ..)| *asked) {
        let to = if abi >= since { &mut applied.layers } else { &mut applied.missing };
        to.push(layer);
    }
    Ok(())
}

fn refused(error: RulesetError) -> ConfineError {
    ConfineError::Landlock(Box::new(error))
}

fn allow_paths(
    mut rules: RulesetCreated,
    paths: &[PathBuf],
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, ConfineError> {
    for path in paths {
        let beneath = PathFd::new(path)
            .map_err(|source| ConfineError::Path { path: path.clone(), source })?;
        // The rights of directories mean nothing for a file, and are refused there.
        let access = if path.is_dir() { access } else { access & AccessFs::from_file(TESTED) };
        rules = rules.add_rule(PathBeneath::new(beneath, access)).map_err(refused)?;
    }
    Ok(rules)
}
