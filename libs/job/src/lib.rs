//! What a user asks for: the job's specification, the request that is signed, and job states.

mod request;
mod spec;
mod state;
mod validate;

pub use request::{REQUEST_PAYLOAD_TYPE, REQUEST_SCHEMA, Request};
pub use spec::{
    BaseModel, DatasetInfo, Image, ImageError, InputFile, Inputs, JobSpec, ModelInfo, Parameters,
    Resources, Task, Trainer,
};
pub use state::{JobState, Reason};
pub use validate::{Invalid, MAX_INPUT_BYTES, validate};

#[cfg(test)]
mod tests;
