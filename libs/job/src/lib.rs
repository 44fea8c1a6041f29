//! What a user asks for: the job's specification, the request that is signed, and job states.

mod request;
mod spec;
mod state;
mod validate;
mod web_address;

pub use request::{REQUEST_PAYLOAD_TYPE, REQUEST_SCHEMA, Request};
pub use spec::{
    BaseModel, BomOptions, Compliance, CycloneDx, DatasetInfo, Fairness, Image, ImageError,
    InputFile, Inputs, JobSpec, MAX_LIST, ModelInfo, PROFILE, Parameters, Resources, Risk, Task,
    Tlp, Trainer,
};
pub use state::{JobState, Reason};
pub use validate::{Invalid, MAX_INPUT_BYTES, validate};
pub use web_address::is_web_address;

#[cfg(test)]
mod tests;
