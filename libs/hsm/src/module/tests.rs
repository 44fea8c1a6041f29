//! What answers are called.

use cryptoki::context::Function;

use super::*;

#[test]
fn answers_bear_the_names_of_the_specification() {
    let error = |answer| CallError::from(Error::Pkcs11(answer, Function::InitPIN));
    let incorrect = error(RvError::PinIncorrect);
    assert_eq!(incorrect.to_string(), "C_InitPIN answered CKR_PIN_INCORRECT");
    assert_eq!(incorrect.kind, CallKind::Pin);
    let vendor = error(RvError::VendorDefined(0x8000_0001));
    assert_eq!(vendor.to_string(), "C_InitPIN answered CKR 0x80000001");
    assert_eq!(vendor.kind, CallKind::Lost);
}
