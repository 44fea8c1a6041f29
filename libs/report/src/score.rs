//! How much of the G7/CISA minimum elements of an SBOM for AI an AIBoM holds.
