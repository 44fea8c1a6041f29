//! What a user asks for: the job's specification, the request that is signed, and job states.

mod bom_options;
mod card;
mod request;
mod spec;
mod state;
mod validate;
mod web_address;

pub use bom_options::{BomOptions, CycloneDx, PROFILE, Tlp};
pub use card::{BaseModel, Compliance, DatasetInfo, Fairness, MAX_LIST, ModelInfo, Risk};
pub use request::{REQUEST_PAYLOAD_TYPE, REQUEST_SCHEMA, Request};
pub use spec::{
    Image, ImageError, InputFile, Inputs, JobSpec, Parameters, Resources, Task, Trainer,
};
pub use state::{JobState, Reason};
pub use validate::{Invalid, MAX_INPUT_BYTES, validate};
pub use web_address::is_web_address;

#[cfg(test)]
mod tests;
