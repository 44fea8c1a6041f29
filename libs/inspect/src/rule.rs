//! The closed list of rules.

/// The number of this set of rules; it rises whenever a rule is added or decides otherwise.
pub const RULES_VERSION: u32 = 2;

macro_rules! rules {
    ($($(#[doc = $doc:literal])* $name:ident = $id:literal, $title:literal;)*) => {
        /// What a hazard was found by. Ids are stable.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule { $(#[doc = $title] $name,)* }

        impl Rule {
            /// Every rule.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable id, such as `pickle.code`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }

            /// One line for people.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

rules! {
    PickleCode = "pickle.code", "A pickle imports what runs code, starts programs or reaches files";
    PickleHiddenImport = "pickle.hidden-import", "A pickle imports a name that it makes up while it is loaded";
    PickleStdlibImport = "pickle.stdlib-import", "A pickle imports a part of Python that plain data does not need";
    PickleUnknownImport = "pickle.unknown-import", "A pickle imports what is on no list";
    PickleUnknownCall = "pickle.unknown-call", "A pickle calls what is on no list";
    PickleExtension = "pickle.extension", "A pickle names a class by a number that only the loading program knows";
    PicklePersistentId = "pickle.persistent-id", "A pickle asks its loading program for objects by name";
    PickleBroken = "pickle.broken", "A pickle is written as no pickler writes, or fails; what stands before that is run";
    PickleTrailing = "pickle.trailing", "Bytes stand behind the end of a pickle";
    PickleMemory = "pickle.memory", "A pickle makes its reader take more memory than it holds";
    KerasCode = "keras.code", "A Keras model carries Python code";
    KerasFunction = "keras.function", "A Keras model calls a function, module or class that is not Keras's own";
    KerasFile = "keras.file", "A Keras model reads files of the host";
    KerasRuntime = "keras.runtime", "A Keras model runs a model of another framework";
    KerasClass = "keras.class", "A Keras model uses what is not on the allow-list of plain layers";
    KerasStructure = "keras.structure", "A .keras file is not built as Keras builds it";
    Hdf5External = "hdf5.external", "An HDF5 file reaches into other files";
    Hdf5Virtual = "hdf5.virtual", "An HDF5 dataset is put together from other files";
    Hdf5Filter = "hdf5.filter", "An HDF5 dataset needs a plug-in to be read";
    Hdf5Bomb = "hdf5.bomb", "An HDF5 dataset claims far more data than the file holds";
    Hdf5Link = "hdf5.link", "An HDF5 file has links by name inside of itself";
    Hdf5Broken = "hdf5.broken", "An HDF5 file contradicts itself";
    NumpyObject = "numpy.object", "A NumPy array holds Python objects, which are a pickle";
    NumpyHeader = "numpy.header", "A NumPy header is not what NumPy writes";
    SafetensorsHeader = "safetensors.header", "A safetensors header contradicts the file";
    OnnxExternal = "onnx.external", "An ONNX model reads its weights from a file outside of its directory";
    OnnxSidecar = "onnx.sidecar", "An ONNX model reads its weights from files beside it";
    OnnxCustomOp = "onnx.custom-op", "An ONNX model needs operators from a library";
    SavedModelOp = "saved-model.op", "A TensorFlow graph reads or writes files, or calls Python";
    GgufTemplate = "gguf.template", "A GGUF file carries a chat template, which is a program";
    GgufTemplateCode = "gguf.template-code", "A GGUF chat template reaches for Python's internals";
    GgufHeader = "gguf.header", "A GGUF header contradicts the file";
    ZipPath = "zip.path", "A zip entry would be written outside of its directory";
    ZipLink = "zip.link", "A zip entry is a symbolic link or a device";
    ZipDuplicate = "zip.duplicate", "Two zip entries have one name";
    ZipMismatch = "zip.mismatch", "A zip directory and the entries' own headers differ";
    ZipOverlap = "zip.overlap", "Zip entries share bytes";
    ZipBomb = "zip.bomb", "A zip unpacks to far more than it holds";
    ZipChecksum = "zip.checksum", "A zip entry has the wrong checksum";
    ZipEncrypted = "zip.encrypted", "A zip entry is encrypted";
    ZipHidden = "zip.hidden", "A zip holds entries or bytes that its directory does not list";
    ZipContradiction = "zip.contradiction", "A zip's end records contradict each other";
    ZipBroken = "zip.broken", "A zip cannot be read to its end";
    TarPath = "tar.path", "A tar entry would be written outside of its directory";
    TarLink = "tar.link", "A tar entry is a link";
    TarDevice = "tar.device", "A tar entry is a device or a pipe";
    TarDuplicate = "tar.duplicate", "Two tar entries have one name";
    TarMismatch = "tar.mismatch", "A tar entry has two sizes or names";
    TarBomb = "tar.bomb", "A tar entry claims far more than the archive holds";
    TarBroken = "tar.broken", "A tar cannot be read to its end";
    CompressedBomb = "compressed.bomb", "A compressed file unpacks to far more than it holds";
    CompressedBroken = "compressed.broken", "A compressed file cannot be unpacked";
    ArchiveNested = "archive.nested", "An archive is inside of an archive";
    ArchiveDepth = "archive.depth", "Archives are nested too deeply to be looked into";
    Polyglot = "polyglot", "The file is valid in two formats at once";
    NameMismatch = "name.mismatch", "The file is not what its name says";
    Executable = "executable", "The file is a program";
    Script = "script", "The file is a script or a page with scripts";
    YamlTag = "yaml.tag", "A YAML document makes its loader build Python objects";
}
