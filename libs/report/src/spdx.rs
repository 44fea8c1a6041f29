//! The AIBoM as SPDX 3.0.1 (AI and Dataset profiles), JSON-LD.
