//! What an import is for: plain data, known harm, a part of Python, or unknown.
//!
//! What plain data needs is listed. Of Python's own modules nothing else is, whatever it is called,
//! so a new way to run code through one of them needs no new rule.

mod plain;
mod stdlib;

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

/// The judgement on one import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It makes plain data.
    Plain,
    /// Known harm, and which.
    Dangerous(&'static str),
    /// A part of Python that plain data does not need.
    Stdlib,
    /// Of a package that is on no list.
    Unknown,
}

const RUNS: &str = "it runs code or programs";
const LOADS: &str = "it loads code, or other pickles";
const REACHES: &str = "it reaches what was not imported, such as attributes by name";
const FILES: &str = "it reads or writes files";
const NETWORK: &str = "it opens connections";

/// Whole modules, with everything below them.
#[rustfmt::skip]
const MODULES: &[(&str, &str)] = &[
    ("os posix nt posixpath ntpath os2 subprocess _posixsubprocess commands popen2 pty sys runpy \
      code codeop bdb pdb cProfile profile _lsprof trace timeit doctest idlelib lib2to3 \
      multiprocessing _multiprocessing threading _thread thread concurrent asyncio signal _signal \
      sched atexit ctypes _ctypes cffi pip ensurepip venv distutils setuptools pkg_resources \
      site sysconfig pydoc webbrowser antigravity turtledemo mailcap platform uuid.getnode \
      numpy.f2py numpy.testing numpy.distutils numpy.ctypeslib torch.utils torch.jit \
      torch._dynamo torch._inductor torch.distributed torch.fx torch.package torch.testing \
      torch.cuda torch.multiprocessing torch._C torch.ops torch._ops torch.compile torch.export \
      torch._functorch torch._export torch._numpy pandas.core.computation scipy.weave \
      tensorflow keras.utils keras.saving keras.src keras.models keras.config IPython jupyter nose \
      pytest _pytest fabric paramiko plumbum pexpect execnet \
      transformers.utils accelerate.commands triton numba cython pyximport logging.config", RUNS),
    ("importlib _frozen_importlib _frozen_importlib_external imp zipimport zipapp pkgutil marshal \
      pickle _pickle cPickle pickletools shelve dill cloudpickle jsonpickle joblib.externals \
      sklearn.externals torch.hub torch.serialization torch.package yaml ruamel \
      compileall py_compile modulefinder ihooks imputil compiler hickle pandas.io \
      pandas.compat.pickle_compat xmlrpc _xxsubinterpreters _interpreters", LOADS),
    ("inspect gc operator _operator ast dis symtable weakref unittest", REACHES),
    ("io _io _pyio shutil tempfile glob fileinput linecache pathlib.Path zipfile tarfile gzip bz2 \
      lzma sqlite3 dbm mmap filecmp nturl2path mailbox configparser logging numpy.lib \
      joblib.memory joblib._store_backends sklearn.datasets netrc wave aifc", FILES),
    ("socket _socket ssl _ssl urllib urllib2 http httplib ftplib telnetlib smtplib poplib imaplib \
      nntplib socketserver SocketServer xmlrpclib wsgiref cgi requests aiohttp httpx urllib3 \
      websocket websockets boto3 botocore", NETWORK),
];

/// Single names.
#[rustfmt::skip]
const NAMES: &[(&str, &str)] = &[
    ("builtins.eval builtins.exec builtins.execfile builtins.compile builtins.breakpoint \
      builtins.apply builtins.input builtins.raw_input builtins.map builtins.filter types.CodeType \
      types.FunctionType types.LambdaType types.MethodType functools.reduce functools.partial \
      functools.partialmethod itertools.starmap copyreg.add_extension torch._utils._import_dotted_name \
      numpy.vectorize numpy.fromfunction numpy.apply_along_axis numpy.piecewise \
      joblib.parallel.Parallel joblib.Parallel", RUNS),
    ("builtins.__import__ builtins.reload torch.load torch.storage._load_from_bytes torch.save \
      numpy.load joblib.load joblib.numpy_pickle.load pandas.read_pickle \
      numpy.core._ufunc_reconstruct numpy._core._ufunc_reconstruct \
      joblib.numpy_pickle_compat.NDArrayWrapper joblib.numpy_pickle_compat.ZNDArrayWrapper \
      types.ModuleType keras.models.load_model torch.nn.Module.load_state_dict", LOADS),
    ("builtins.getattr builtins.setattr builtins.delattr builtins.globals builtins.locals \
      builtins.vars builtins.type builtins.super builtins.property builtins.classmethod \
      builtins.help builtins.license types.GetSetDescriptorType typing._eval_type \
      typing.get_type_hints builtins.__build_class__ builtins.memoryview builtins.dir", REACHES),
    ("builtins.open builtins.file builtins.print codecs.open numpy.memmap numpy.fromfile numpy.save \
      numpy.savez numpy.savetxt numpy.loadtxt numpy.genfromtxt numpy.fromregex numpy.DataSource \
      numpy.core.memmap.memmap numpy._core.memmap.memmap numpy.core.records.fromfile \
      numpy.core.multiarray.fromfile numpy._core.multiarray.fromfile pathlib.PosixPath.unlink", FILES),
];

/// Names that mean harm in whatever module they are found, for a module also shows what it imports.
const ANYWHERE: &str = "\
    system popen Popen exec eval execfile __import__ import_module check_output check_call \
    getoutput getstatusoutput spawn spawnl spawnv fork execv execve posix_spawn getattr setattr \
    load_module run_module run_path resolve_name read_pickle load_pickle loads urlopen \
    urlretrieve rmtree getlincoef runstring runcode methodcaller attrgetter FileIO CodeType \
    FunctionType __globals__ __builtins__ __subclasses__ __getattribute__ __code__ func_load \
    load_model enable_unsafe_deserialization";

/// What is known to do harm, by its full name: whole modules and single names.
static HARM: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
    let words = |(words, why): &(&'static str, &'static str)| {
        let why = *why;
        words.split_ascii_whitespace().map(move |word| (word, why))
    };
    MODULES.iter().chain(NAMES).flat_map(words).collect()
});
static ANYWHERE_SET: LazyLock<HashSet<&str>> =
    LazyLock::new(|| ANYWHERE.split_ascii_whitespace().collect());
static STDLIB: LazyLock<HashSet<&str>> =
    LazyLock::new(|| stdlib::MODULES.split_ascii_whitespace().collect());

/// Judges the import of `name` of `module`; quick, since a pickle may be full of imports.
pub(super) fn judge(module: &str, name: &str) -> Verdict {
    let module = match module {
        "__builtin__" => "builtins",
        "copy_reg" => "copyreg",
        module => module,
    };
    if plain::is(module, name) {
        return Verdict::Plain;
    }
    let full = format!("{module}.{name}");
    if let Some(why) = prefixes(&full).find_map(|prefix| HARM.get(prefix)) {
        return Verdict::Dangerous(why);
    }
    if name.split('.').any(|part| ANYWHERE_SET.contains(part)) {
        return Verdict::Dangerous(REACHES);
    }
    // Since protocol 4 a name may be a path of attributes, through modules that a module imports.
    let top = module.split('.').next().unwrap_or(module);
    if name.contains('.') && plain::PACKAGES.contains(&top) {
        return Verdict::Dangerous(REACHES);
    }
    if STDLIB.contains(top) { Verdict::Stdlib } else { Verdict::Unknown }
}

/// `a`, `a.b` and `a.b.c` of `a.b.c`.
pub(super) fn prefixes(full: &str) -> impl Iterator<Item = &str> {
    let dots = full.match_indices('.').map(|(at, _)| at);
    dots.chain(std::iter::once(full.len())).filter_map(|end| full.get(..end))
}
