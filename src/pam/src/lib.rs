//! pam_herald.so: the FFI edge. Nothing is decided here.
//!
//! A hook copies what the host says out of the PAM handle, lets `herald_core::login` run the login, and translates
//! its verdict into a PAM code by one table. `edge` is all of that; this file only names the decision.
#![allow(missing_docs, reason = "the six hooks are written by pam_hooks!; nothing else is public")]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::as_conversions
    )
)]

mod edge;

use herald_core::login::{self, code_behind};
use herald_sys::System;
use pam::constants::{PamFlag, PamResultCode};
use pam::module::{PamHandle, PamHooks};
use std::ffi::CStr;

struct Herald;

pam::pam_hooks!(Herald);

impl PamHooks for Herald {
    fn sm_authenticate(pamh: &mut PamHandle, arguments: Vec<&CStr>, flags: PamFlag) -> PamResultCode {
        edge::authenticate(
            pamh,
            &arguments,
            flags,
            |attempt, typed, audit| code_behind(&System, attempt, typed, audit),
            |attempt, conversation, audit| login::authenticate(&System, attempt, conversation, audit),
        )
    }

    fn sm_setcred(pamh: &mut PamHandle, _: Vec<&CStr>, _: PamFlag) -> PamResultCode {
        edge::set_credentials(pamh)
    }

    fn acct_mgmt(pamh: &mut PamHandle, _: Vec<&CStr>, _: PamFlag) -> PamResultCode {
        edge::guarded(pamh, || PamResultCode::PAM_IGNORE)
    }

    fn sm_open_session(pamh: &mut PamHandle, _: Vec<&CStr>, _: PamFlag) -> PamResultCode {
        edge::guarded(pamh, || PamResultCode::PAM_IGNORE)
    }

    fn sm_close_session(pamh: &mut PamHandle, _: Vec<&CStr>, _: PamFlag) -> PamResultCode {
        edge::guarded(pamh, || PamResultCode::PAM_IGNORE)
    }

    fn sm_chauthtok(pamh: &mut PamHandle, _: Vec<&CStr>, _: PamFlag) -> PamResultCode {
        edge::guarded(pamh, || PamResultCode::PAM_IGNORE)
    }
}
