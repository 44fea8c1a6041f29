//! assemble(evidence) -> AIBoM: a pure function to canonical CycloneDX 1.6
