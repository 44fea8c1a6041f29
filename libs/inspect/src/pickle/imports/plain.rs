//! What makes plain data, and what trained scikit-learn, pandas and PyTorch objects are made of.

/// Packages whose modules show other modules as attributes.
pub(super) const PACKAGES: &[&str] =
    &["numpy", "pandas", "scipy", "sklearn", "torch", "joblib", "collections", "builtins"];

/// Module and its names, `*` for every class (a name that begins with a capital).
#[rustfmt::skip]
const LISTED: &[(&str, &str)] = &[
    ("builtins", "set frozenset list dict tuple int long float complex bool str unicode basestring \
        bytes bytearray object slice range xrange NotImplemented Ellipsis NoneType"),
    ("collections", "OrderedDict defaultdict deque Counter"),
    ("datetime", "datetime date time timedelta timezone tzinfo"),
    ("decimal", "Decimal"),
    ("_pydecimal", "Decimal"),
    ("fractions", "Fraction"),
    ("uuid", "UUID SafeUUID"),
    ("_codecs", "encode"),
    ("copyreg", "_reconstructor __newobj__ __newobj_ex__"),
    ("array", "array _array_reconstructor"),
    ("pathlib", "PurePosixPath PureWindowsPath PosixPath WindowsPath"),
    ("types", "SimpleNamespace NoneType"),
    ("re", "_compile"),
    ("string", "Template"),
    ("random", "Random"),
    ("argparse", "Namespace"),
    ("numpy", "ndarray dtype matrix recarray record bool_ bool int8 int16 int32 int64 uint8 uint16 \
        uint32 uint64 float16 float32 float64 float128 longdouble complex64 complex128 complex256 \
        intc intp uintc uintp int_ uint longlong ulonglong str_ bytes_ void object_ datetime64 \
        timedelta64 float_ number generic"),
    ("numpy.core.multiarray", "_reconstruct scalar"),
    ("numpy._core.multiarray", "_reconstruct scalar"),
    ("numpy.core.numeric", "_frombuffer"),
    ("numpy._core.numeric", "_frombuffer"),
    ("numpy.ma.core", "_mareconstruct MaskedArray MaskedConstant"),
    ("numpy.ma", "_mareconstruct MaskedArray"),
    ("numpy.dtypes", "*"),
    ("numpy.random._pickle", "__randomstate_ctor __generator_ctor __bit_generator_ctor"),
    ("numpy.random._mt19937", "MT19937"),
    ("numpy.random._pcg64", "PCG64 PCG64DXSM"),
    ("numpy.random._philox", "Philox"),
    ("numpy.random._sfc64", "SFC64"),
    ("numpy.random.mtrand", "RandomState"),
    ("numpy.random", "RandomState Generator"),
    ("numpy.random._generator", "Generator"),
    ("numpy.random.bit_generator", "SeedSequence __pyx_unpickle_SeedSequence"),
    ("ml_dtypes", "bfloat16 float8_e4m3fn float8_e5m2 int4 uint4"),
    ("joblib.numpy_pickle", "NumpyArrayWrapper"),
    ("scipy.sparse", "csr_matrix csc_matrix coo_matrix csr_array csc_array coo_array"),
    ("torch", "Tensor Size device dtype layout memory_format Generator BFloat16Storage BoolStorage \
        ByteStorage CharStorage ComplexDoubleStorage ComplexFloatStorage DoubleStorage FloatStorage \
        HalfStorage IntStorage LongStorage QInt32Storage QInt8Storage QUInt8Storage ShortStorage \
        float16 float32 float64 bfloat16 half float double int8 int16 int32 int64 uint8 bool \
        complex64 complex128 strided per_tensor_affine per_channel_affine qint8 quint8"),
    ("torch._utils", "_rebuild_tensor _rebuild_tensor_v2 _rebuild_tensor_v3 _rebuild_parameter \
        _rebuild_parameter_with_state _rebuild_qtensor _rebuild_sparse_tensor \
        _rebuild_device_tensor_from_numpy _rebuild_meta_tensor_no_storage"),
    ("torch._tensor", "Tensor"),
    ("torch.nn.parameter", "Parameter Buffer"),
    ("torch.storage", "TypedStorage UntypedStorage"),
    ("torch.serialization", "_get_layout"),
    ("sklearn._loss.link", "*"),
    ("sklearn._loss._loss", "* __pyx_unpickle_CyHalfBinomialLoss __pyx_unpickle_CyHalfSquaredError"),
    ("sklearn.neighbors._kd_tree", "* newObj"),
    ("sklearn.neighbors._ball_tree", "* newObj"),
    ("sklearn.metrics._dist_metrics", "* newObj"),
    ("sklearn.utils._bunch", "Bunch"),
    ("sklearn.preprocessing._function_transformer", "FunctionTransformer"),
    ("pandas", "DataFrame Series Index MultiIndex RangeIndex Timestamp Timedelta Categorical \
        CategoricalDtype Interval Period StringDtype"),
    ("pandas.arrays", "*"),
    ("pandas.core.indexes.base", "Index _new_Index"),
    ("pandas.core.indexes.datetimes", "DatetimeIndex _new_DatetimeIndex"),
    ("pandas.core.indexes.period", "PeriodIndex _new_PeriodIndex"),
    ("pandas.core.indexes.interval", "IntervalIndex _new_IntervalIndex"),
    ("pandas._libs.internals", "_unpickle_block BlockPlacement"),
    ("pandas._libs.arrays", "__pyx_unpickle_NDArrayBacked NDArrayBacked"),
    ("pandas._libs.tslibs.timestamps", "Timestamp _unpickle_timestamp"),
    ("pandas._libs.tslibs.timedeltas", "Timedelta _timedelta_unpickle"),
    ("pandas._libs.tslibs.period", "Period _unpickle_period"),
    ("pandas._libs.tslibs.nattype", "_nat_unpickle NaTType"),
    ("pandas._libs.tslibs.offsets", "*"),
    ("pandas._libs.missing", "NAType NA"),
    ("pandas.core.missing", "NA"),
];

/// Packages of which every class is plain: they hold arrays and numbers.
#[rustfmt::skip]
const CLASSES: &[&str] = &[
    "sklearn.linear_model", "sklearn.ensemble", "sklearn.tree", "sklearn.svm", "sklearn.naive_bayes",
    "sklearn.neighbors", "sklearn.neural_network", "sklearn.cluster", "sklearn.decomposition",
    "sklearn.preprocessing", "sklearn.pipeline", "sklearn.compose", "sklearn.impute",
    "sklearn.feature_extraction", "sklearn.feature_selection", "sklearn.discriminant_analysis",
    "sklearn.gaussian_process", "sklearn.isotonic", "sklearn.mixture", "sklearn.calibration",
    "sklearn.dummy", "sklearn.multiclass", "sklearn.multioutput", "sklearn.manifold",
    "sklearn.covariance", "sklearn.cross_decomposition", "sklearn.kernel_ridge",
    "sklearn.random_projection", "sklearn._loss", "scipy.sparse", "pandas.core.frame",
    "pandas.core.series", "pandas.core.internals", "pandas.core.indexes", "pandas.core.arrays",
    "pandas.core.dtypes", "pandas.core.generic", "pandas.core.flags", "torch.nn.modules",
];

/// Whether this makes plain data. Of listed modules, a class is one word with a capital.
pub(super) fn is(module: &str, name: &str) -> bool {
    let word = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let class = word && name.trim_start_matches('_').starts_with(|c: char| c.is_ascii_uppercase());
    let listed = LISTED.iter().any(|(listed, names)| {
        *listed == module
            && names.split_ascii_whitespace().any(|known| known == name || (known == "*" && class))
    });
    listed
        || (class
            && !FOREIGN.contains(&name)
            && super::prefixes(module).any(|package| CLASSES.contains(&package)))
}

/// Classes that those packages' modules import from elsewhere, and that do more than hold data.
const FOREIGN: &[&str] = &[
    "Popen",
    "Path",
    "Parallel",
    "Thread",
    "Pool",
    "Process",
    "TemporaryDirectory",
    "ZipFile",
    "CodeType",
    "FunctionType",
    "MethodType",
    "ModuleType",
    "LambdaType",
    "FileIO",
    "BytesIO",
];
