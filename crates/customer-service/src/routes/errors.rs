//! Where a broken rule meets an HTTP status.

use crate::domain::registration::PasswordMissing;
use crate::passwords::PasswordError;
use crate::store::throttle::Throttled;
use crate::workflows::change_customer::ChangeError;
use crate::workflows::check_password::CheckError;
use crate::workflows::log_in::LogInError;
use crate::workflows::refresh_session::RefreshError;
use crate::workflows::register_customer::RegisterError;
use common::error::{ApiError, Kind};

impl From<PasswordMissing> for ApiError {
    fn from(_: PasswordMissing) -> Self {
        Self::invalid_field("/password", "missing_field", "must be given")
    }
}

impl From<PasswordError> for ApiError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => Self::overloaded().code("too_busy"),
            PasswordError::Failed(cause) => Self::internal(cause),
        }
    }
}

impl From<Throttled> for ApiError {
    fn from(throttled: Throttled) -> Self {
        Self::new(Kind::TooManyRequests, "Too many log-ins. Wait before the next one.")
            .retry_after(throttled.retry_after_s)
    }
}

impl From<CheckError> for ApiError {
    fn from(error: CheckError) -> Self {
        match error {
            CheckError::Throttled(throttled) => throttled.into(),
            CheckError::Password(error) => error.into(),
        }
    }
}

impl From<LogInError> for ApiError {
    fn from(error: LogInError) -> Self {
        match error {
            LogInError::InvalidCredentials => {
                Self::unauthenticated("The e-mail address or the password is wrong.")
                    .code("invalid_credentials")
            }
            LogInError::Throttled(throttled) => throttled.into(),
            LogInError::Check(error) => error.into(),
            LogInError::Store(error) => error.into(),
            LogInError::Token(cause) => Self::internal(cause),
        }
    }
}

impl From<RefreshError> for ApiError {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::Invalid => {
                Self::unauthenticated("The refresh token is not good. Log in.").code("invalid_refresh_token")
            }
            RefreshError::Contended => Self::unavailable(),
            RefreshError::Store(error) => error.into(),
            RefreshError::Token(cause) => Self::internal(cause),
        }
    }
}

impl From<RegisterError> for ApiError {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::EmailTaken => email_taken(),
            RegisterError::KeyReused => {
                Self::new(Kind::Unprocessable, "The idempotency key was used for another request.")
                    .code("idempotency_key_reused")
            }
            RegisterError::Check(error) => error.into(),
            RegisterError::Password(error) => error.into(),
            RegisterError::Store(error) => error.into(),
        }
    }
}

impl From<ChangeError> for ApiError {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::NotFound => Self::not_found("customer"),
            ChangeError::Forbidden => Self::forbidden(),
            ChangeError::Stale { version } => Self::version_mismatch(version),
            ChangeError::EmailTaken => email_taken(),
            ChangeError::Contended => Self::unavailable(),
            ChangeError::Store(error) => error.into(),
        }
    }
}

fn email_taken() -> ApiError {
    ApiError::new(Kind::Conflict, "Another account has this e-mail address.").code("email_taken")
}
