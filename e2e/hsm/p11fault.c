/*! A PKCS#11 module that forwards every call to a real one, and goes wrong on request.
 *
 * For tests only: what a client does when its HSM errs, lags, hangs, dies or signs wrongly.
 *
 *   cc -shared -fPIC -O1 -o p11fault.so p11fault.c
 *
 * Environment, read at every call:
 *   P11FAULT_REAL  path of the real module (needed)
 *   P11FAULT_FILE  path of the faults; no file, no faults
 *   P11FAULT_LOG   path that a line is appended to when a call ends: "<pid> <function> 0x<CKR>"
 *
 * A fault is a line "<function>=<fault>" of that file; the function is a name such as C_Sign, or *.
 * Every line that fits takes effect, in order:
 *   err:<CKR>           answer with this code (hexadecimal) and do not forward the call
 *   errafter:<n>:<CKR>  as err, from the call after the n-th of this function on
 *   sleep:<ms>          wait before the call
 *   hang                never come back; the log says "hang" when it begins
 *   crash               kill the process, as a fault in the module would; the log says "crash"
 *   flip                change one bit of the signature (C_Sign, C_SignFinal)
 *   flags:<bits>        add these token flags (hexadecimal) to the answer (C_GetTokenInfo)
 *
 * A call of C_Sign that only asks for the signature's length has no faults and is logged as
 * C_Sign(length), so that the lines "C_Sign 0x0" count the signatures made.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The little of PKCS#11 2.40 (sections 3 and 5) that forwarding needs. */
typedef unsigned char CK_BYTE;
typedef unsigned long CK_ULONG;
typedef CK_ULONG CK_RV;
typedef struct { CK_BYTE major, minor; } CK_VERSION;
typedef struct {
    CK_BYTE label[32], manufacturer[32], model[16], serial[16];
    CK_ULONG flags;
} CK_TOKEN_INFO_HEAD;

#define CKR_OK 0x0UL
#define CKR_GENERAL_ERROR 0x5UL

/* The function list: a version, then the functions in the order of the specification. */
enum {
    C_Initialize, C_Finalize, C_GetInfo, C_GetFunctionList, C_GetSlotList, C_GetSlotInfo,
    C_GetTokenInfo, C_GetMechanismList, C_GetMechanismInfo, C_InitToken, C_InitPIN, C_SetPIN,
    C_OpenSession, C_CloseSession, C_CloseAllSessions, C_GetSessionInfo, C_GetOperationState,
    C_SetOperationState, C_Login, C_Logout, C_CreateObject, C_CopyObject, C_DestroyObject,
    C_GetObjectSize, C_GetAttributeValue, C_SetAttributeValue, C_FindObjectsInit, C_FindObjects,
    C_FindObjectsFinal, C_EncryptInit, C_Encrypt, C_EncryptUpdate, C_EncryptFinal, C_DecryptInit,
    C_Decrypt, C_DecryptUpdate, C_DecryptFinal, C_DigestInit, C_Digest, C_DigestUpdate,
    C_DigestKey, C_DigestFinal, C_SignInit, C_Sign, C_SignUpdate, C_SignFinal, C_SignRecoverInit,
    C_SignRecover, C_VerifyInit, C_Verify, C_VerifyUpdate, C_VerifyFinal, C_VerifyRecoverInit,
    C_VerifyRecover, C_DigestEncryptUpdate, C_DecryptDigestUpdate, C_SignEncryptUpdate,
    C_DecryptVerifyUpdate, C_GenerateKey, C_GenerateKeyPair, C_WrapKey, C_UnwrapKey, C_DeriveKey,
    C_SeedRandom, C_GenerateRandom, C_GetFunctionStatus, C_CancelFunction, C_WaitForSlotEvent,
    FUNCTIONS
};

typedef void (*function)(void);
typedef struct {
    CK_VERSION version;
    function functions[FUNCTIONS];
} FUNCTION_LIST;

static FUNCTION_LIST *real;
static FUNCTION_LIST ours;
static long calls[FUNCTIONS];

/* What the fault file asks of one call. */
struct fault {
    CK_RV rv;
    int flip;
    CK_ULONG flags;
};

static void record(const char *name, CK_RV rv)
{
    const char *path = getenv("P11FAULT_LOG");
    char line[128];
    int length = snprintf(line, sizeof line, "%d %s 0x%lx\n", getpid(), name, rv);
    int file = path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (file < 0)
        return;
    /* One write: lines of several threads do not mix. */
    if (write(file, line, (size_t)length) != length)
        fprintf(stderr, "p11fault: cannot write the log\n");
    close(file);
}

static void wait_ms(long ms)
{
    struct timespec left = {ms / 1000, (ms % 1000) * 1000000};
    while (nanosleep(&left, &left) != 0) {}
}

static void apply(const char *fault, long call, struct fault *asked)
{
    const char *code;
    if (strncmp(fault, "err:", 4) == 0) {
        asked->rv = strtoul(fault + 4, NULL, 16);
    } else if (strncmp(fault, "errafter:", 9) == 0) {
        code = strchr(fault + 9, ':');
        if (call > atol(fault + 9))
            asked->rv = code ? strtoul(code + 1, NULL, 16) : CKR_GENERAL_ERROR;
    } else if (strncmp(fault, "sleep:", 6) == 0) {
        wait_ms(atol(fault + 6));
    } else if (strcmp(fault, "hang") == 0) {
        record("hang", CKR_OK);
        for (;;)
            pause();
    } else if (strcmp(fault, "crash") == 0) {
        record("crash", CKR_OK);
        raise(SIGSEGV);
        abort();
    } else if (strcmp(fault, "flip") == 0) {
        asked->flip = 1;
    } else if (strncmp(fault, "flags:", 6) == 0) {
        asked->flags = strtoul(fault + 6, NULL, 16);
    } else {
        fprintf(stderr, "p11fault: unknown fault '%s'\n", fault);
    }
}

static struct fault faults(int index, const char *name)
{
    struct fault asked = {CKR_OK, 0, 0};
    long call = __sync_add_and_fetch(&calls[index], 1);
    const char *path = getenv("P11FAULT_FILE");
    FILE *file = path ? fopen(path, "re") : NULL;
    char line[256], *fault;
    if (!file)
        return asked;
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\r\n")] = 0;
        fault = strchr(line, '=');
        if (!fault)
            continue;
        *fault++ = 0;
        if (strcmp(line, name) == 0 || strcmp(line, "*") == 0)
            apply(fault, call, &asked);
    }
    fclose(file);
    return asked;
}

/* FORWARD(Name, (parameters), (arguments)): look for faults, forward, record. */
#define FORWARD(name, parameters, arguments)                                  \
    static CK_RV our_##name parameters                                        \
    {                                                                         \
        CK_RV rv = faults(name, #name).rv;                                    \
        if (rv == CKR_OK)                                                     \
            rv = ((CK_RV(*) parameters)real->functions[name])arguments;       \
        record(#name, rv);                                                    \
        return rv;                                                            \
    }

FORWARD(C_Initialize, (void *args), (args))
FORWARD(C_Finalize, (void *reserved), (reserved))
FORWARD(C_GetSlotList, (CK_BYTE present, CK_ULONG *slots, CK_ULONG *count),
        (present, slots, count))
FORWARD(C_GetSlotInfo, (CK_ULONG slot, void *info), (slot, info))
FORWARD(C_InitToken, (CK_ULONG slot, CK_BYTE *pin, CK_ULONG length, CK_BYTE *label),
        (slot, pin, length, label))
FORWARD(C_InitPIN, (CK_ULONG session, CK_BYTE *pin, CK_ULONG length), (session, pin, length))
FORWARD(C_OpenSession,
        (CK_ULONG slot, CK_ULONG flags, void *application, void *notify, CK_ULONG *session),
        (slot, flags, application, notify, session))
FORWARD(C_CloseSession, (CK_ULONG session), (session))
FORWARD(C_CloseAllSessions, (CK_ULONG slot), (slot))
FORWARD(C_GetSessionInfo, (CK_ULONG session, void *info), (session, info))
FORWARD(C_Login, (CK_ULONG session, CK_ULONG user, CK_BYTE *pin, CK_ULONG length),
        (session, user, pin, length))
FORWARD(C_Logout, (CK_ULONG session), (session))
FORWARD(C_DestroyObject, (CK_ULONG session, CK_ULONG object), (session, object))
FORWARD(C_GetAttributeValue,
        (CK_ULONG session, CK_ULONG object, void *template, CK_ULONG count),
        (session, object, template, count))
FORWARD(C_SetAttributeValue,
        (CK_ULONG session, CK_ULONG object, void *template, CK_ULONG count),
        (session, object, template, count))
FORWARD(C_FindObjectsInit, (CK_ULONG session, void *template, CK_ULONG count),
        (session, template, count))
FORWARD(C_FindObjects, (CK_ULONG session, CK_ULONG *objects, CK_ULONG max, CK_ULONG *count),
        (session, objects, max, count))
FORWARD(C_FindObjectsFinal, (CK_ULONG session), (session))
FORWARD(C_SignInit, (CK_ULONG session, void *mechanism, CK_ULONG key), (session, mechanism, key))
FORWARD(C_SignUpdate, (CK_ULONG session, CK_BYTE *part, CK_ULONG length),
        (session, part, length))
FORWARD(C_GenerateKeyPair,
        (CK_ULONG session, void *mechanism, void *public_template, CK_ULONG public_count,
         void *private_template, CK_ULONG private_count, CK_ULONG *public_key,
         CK_ULONG *private_key),
        (session, mechanism, public_template, public_count, private_template, private_count,
         public_key, private_key))
FORWARD(C_GenerateRandom, (CK_ULONG session, CK_BYTE *bytes, CK_ULONG length),
        (session, bytes, length))

typedef CK_RV (*get_token_info)(CK_ULONG, CK_TOKEN_INFO_HEAD *);
typedef CK_RV (*sign)(CK_ULONG, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *);
typedef CK_RV (*sign_final)(CK_ULONG, CK_BYTE *, CK_ULONG *);

static CK_RV our_C_GetTokenInfo(CK_ULONG slot, CK_TOKEN_INFO_HEAD *info)
{
    struct fault asked = faults(C_GetTokenInfo, "C_GetTokenInfo");
    CK_RV rv = asked.rv;
    if (rv == CKR_OK)
        rv = ((get_token_info)real->functions[C_GetTokenInfo])(slot, info);
    if (rv == CKR_OK && info)
        info->flags |= asked.flags;
    record("C_GetTokenInfo", rv);
    return rv;
}

static void flip(const struct fault *asked, CK_RV rv, CK_BYTE *signature, const CK_ULONG *length)
{
    if (asked->flip && rv == CKR_OK && signature && length && *length > 0)
        signature[*length - 1] ^= 1;
}

static CK_RV our_C_Sign(CK_ULONG session, CK_BYTE *data, CK_ULONG data_length,
                        CK_BYTE *signature, CK_ULONG *length)
{
    struct fault asked = {CKR_OK, 0, 0};
    CK_RV rv;
    if (signature)
        asked = faults(C_Sign, "C_Sign");
    rv = asked.rv;
    if (rv == CKR_OK)
        rv = ((sign)real->functions[C_Sign])(session, data, data_length, signature, length);
    flip(&asked, rv, signature, length);
    record(signature ? "C_Sign" : "C_Sign(length)", rv);
    return rv;
}

static CK_RV our_C_SignFinal(CK_ULONG session, CK_BYTE *signature, CK_ULONG *length)
{
    struct fault asked = faults(C_SignFinal, "C_SignFinal");
    CK_RV rv = asked.rv;
    if (rv == CKR_OK)
        rv = ((sign_final)real->functions[C_SignFinal])(session, signature, length);
    flip(&asked, rv, signature, length);
    record("C_SignFinal", rv);
    return rv;
}

__attribute__((visibility("default"))) CK_RV our_C_GetFunctionList(FUNCTION_LIST **list)
    __asm__("C_GetFunctionList");

static CK_RV load(void)
{
    const char *path = getenv("P11FAULT_REAL");
    void *module = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    void *symbol = module ? dlsym(module, "C_GetFunctionList") : NULL;
    CK_RV(*get)(FUNCTION_LIST **);
    CK_RV rv;
    if (!symbol) {
        fprintf(stderr, "p11fault: P11FAULT_REAL names no module: %s\n",
                path ? dlerror() : "it is not set");
        return CKR_GENERAL_ERROR;
    }
    memcpy(&get, &symbol, sizeof get);
    rv = get(&real);
    if (rv != CKR_OK)
        return rv;
    ours = *real;
#define OURS(name) ours.functions[name] = (function)our_##name
    OURS(C_Initialize); OURS(C_Finalize); OURS(C_GetSlotList); OURS(C_GetSlotInfo);
    OURS(C_GetTokenInfo); OURS(C_InitToken); OURS(C_InitPIN); OURS(C_OpenSession);
    OURS(C_CloseSession); OURS(C_CloseAllSessions); OURS(C_GetSessionInfo); OURS(C_Login);
    OURS(C_Logout); OURS(C_DestroyObject); OURS(C_GetAttributeValue); OURS(C_SetAttributeValue);
    OURS(C_FindObjectsInit); OURS(C_FindObjects); OURS(C_FindObjectsFinal); OURS(C_SignInit);
    OURS(C_Sign); OURS(C_SignUpdate); OURS(C_SignFinal); OURS(C_GenerateKeyPair);
    OURS(C_GenerateRandom); OURS(C_GetFunctionList);
    return CKR_OK;
}

CK_RV our_C_GetFunctionList(FUNCTION_LIST **list)
{
    CK_RV rv = real ? CKR_OK : load();
    if (rv == CKR_OK)
        *list = &ours;
    return rv;
}
