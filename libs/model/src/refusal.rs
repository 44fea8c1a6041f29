//! Why a model is refused: one closed list of rules, each naming the place.

use std::io;

/// What a named class or function could do when Keras loads or runs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hazard {
    /// Python code in the file: `Lambda`, `__lambda__`.
    Code,
    /// A Python function by name that is not a plain loss, metric or activation.
    Function,
    /// A layer that reads a vocabulary file: `StringLookup`, `IntegerLookup`, `TextVectorization`.
    VocabularyFile,
    /// Text hashing, which comes with the same string machinery: `Hashing`, `HashedCrossing`.
    Hashing,
    /// A model of another framework: `TorchModuleWrapper`, `TFSMLayer`, `FlaxLayer`, `JaxLayer`.
    ForeignRuntime,
    /// A part of Keras that loads, downloads or reconfigures: `get_file`, `load_model` and others.
    Api,
    /// A class that the loading program would have to register: `package>Name`.
    CustomClass,
    /// A type looked up in a named Python module: `__typespec__`.
    TypeSpec,
}

impl Hazard {
    /// One line for people.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Code => "it carries Python code",
            Self::Function => "it calls a function that is no plain loss, metric or activation",
            Self::VocabularyFile => "it can read a vocabulary from a file of the host",
            Self::Hashing => "string hashing layers are not supported",
            Self::ForeignRuntime => "it runs a model of another framework",
            Self::Api => "it is a part of Keras that loads, downloads or reconfigures",
            Self::CustomClass => "it needs a custom class that the file does not hold",
            Self::TypeSpec => "it looks up a type in a Python module",
        }
    }
}

/// The rule that a model breaks. Texts from the file are cut to 80 characters.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The reader failed.
    #[error("cannot read the model")]
    Read(#[source] io::Error),
    /// A part is larger than its limit.
    #[error("{part}: {bytes} bytes, more than the limit of {limit}")]
    TooLarge {
        /// The file or entry.
        part: &'static str,
        /// Its size in bytes.
        bytes: u64,
        /// The limit in bytes.
        limit: u64,
    },

    /// Not a zip archive, or cut short, or its parts contradict each other.
    #[error("not a whole zip archive: {0}")]
    Archive(&'static str),
    /// Bytes that belong to no entry: in front, between, behind, or a comment.
    #[error("bytes in the archive that belong to no entry: {0}")]
    Slack(&'static str),
    /// Zip64 records.
    #[error("zip64 is not accepted: {0}")]
    Zip64(&'static str),
    /// An encrypted entry.
    #[error("{0}: encrypted")]
    Encrypted(String),
    /// A compressed entry. Keras stores; recompressed archives can be bombs.
    #[error("{0}: compressed; save the model with Keras, which stores it as it is")]
    Compressed(String),
    /// An entry whose size and checksum follow its data.
    #[error("{0}: sizes given in a data descriptor")]
    DataDescriptor(String),
    /// Other features of zip that Keras does not use.
    #[error("{entry}: {feature} is not accepted")]
    ZipFeature {
        /// The entry's name.
        entry: String,
        /// The feature.
        feature: &'static str,
    },
    /// A symbolic link, directory or device.
    #[error("{0}: not a regular file")]
    NotAFile(String),
    /// A name with a directory, a drive or a step upwards.
    #[error("{0:?}: a path, not a name")]
    Path(String),
    /// A file in `assets/`, such as a vocabulary.
    #[error("{0:?}: models with assets are not supported")]
    Asset(String),
    /// Any other entry.
    #[error("{0:?}: no part of a .keras file")]
    UnknownEntry(String),
    /// Two entries of one name.
    #[error("{0}: twice in the archive")]
    DuplicateEntry(String),
    /// An entry that must be there.
    #[error("{0}: missing")]
    MissingEntry(&'static str),
    /// The local header contradicts the directory.
    #[error("{0}: the directory and the entry's own header differ")]
    HeaderMismatch(String),
    /// The data's checksum is not the one in the directory.
    #[error("{0}: wrong checksum")]
    Checksum(String),

    /// Not JSON.
    #[error("{file}: not valid JSON: {problem}")]
    Json {
        /// The entry.
        file: &'static str,
        /// The parser's words.
        problem: String,
    },
    /// Nested too deeply, or too many values.
    #[error("{file}: {problem}")]
    JsonTooBig {
        /// The entry.
        file: &'static str,
        /// Which limit.
        problem: &'static str,
    },
    /// A key that stands twice in one object.
    #[error("{file}: the key {key:?} stands twice in one object")]
    DuplicateKey {
        /// The entry.
        file: &'static str,
        /// The key.
        key: String,
    },
    /// `metadata.json` does not say Keras 3.0 or newer.
    #[error("metadata.json: keras_version {0:?} is not 3.0 or newer")]
    KerasVersion(String),
    /// A class or function that is known to be dangerous.
    #[error("{at}: {name:?} is refused: {}", hazard.reason())]
    Hazard {
        /// The JSON path.
        at: String,
        /// The class or function.
        name: String,
        /// Why.
        hazard: Hazard,
    },
    /// A class that is not on the allow-list.
    #[error("{at}: {class:?} of {module:?} is not on the allow-list")]
    NotAllowed {
        /// The JSON path.
        at: String,
        /// The Python module.
        module: String,
        /// The class.
        class: String,
    },
    /// A text or key that begins with two underscores: a marker of Python internals.
    #[error("{at}: {text:?} begins with a marker of Python internals")]
    Marker {
        /// The JSON path.
        at: String,
        /// The text.
        text: String,
    },
    /// An object without `module` and `registered_name`: Keras would read it by its older rules.
    #[error("{0}: an object of a class, but not in the form of Keras 3")]
    LegacyForm(String),
    /// A configuration of the wrong shape.
    #[error("{at}: {expected}")]
    Shape {
        /// The JSON path.
        at: String,
        /// What it must be.
        expected: &'static str,
    },

    /// Not HDF5 as Keras writes it.
    #[error("model.weights.h5: {problem} (at byte {offset})")]
    Hdf5 {
        /// What is wrong.
        problem: &'static str,
        /// Where, in bytes from the start of the entry.
        offset: u64,
    },
    /// HDF5 that refers to other files, other places or plug-ins.
    #[error("model.weights.h5: {path}: {feature} is refused")]
    Hdf5Feature {
        /// The object's path.
        path: String,
        /// The feature.
        feature: &'static str,
    },
}

/// The start of a text from the file, for a message.
pub(crate) fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}
