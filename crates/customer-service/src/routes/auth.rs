//! Sessions, and the keys that verify their access tokens.

use crate::domain::device::device_of;
use crate::domain::session::Token;
use crate::startup::AppState;
use crate::workflows;
use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use common::context::run_to_end;
use common::error::ApiError;
use common::http::body::Body;
use common::http::origin::Origin;
use common::models::auth::{LogIn, RefreshToken};
use common::time::Timestamp;

pub async fn log_in(
    state: Data<AppState>,
    request: HttpRequest,
    origin: Origin,
    body: Body<LogIn>,
) -> Result<HttpResponse, ApiError> {
    let user_agent = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    let device = user_agent.and_then(device_of);
    let pair = run_to_end(async move { workflows::log_in::log_in(&state, origin.0, device, body.0).await })
        .await??;
    Ok(HttpResponse::Ok().json(pair))
}

pub async fn refresh_session(
    state: Data<AppState>,
    body: Body<RefreshToken>,
) -> Result<HttpResponse, ApiError> {
    let pair = run_to_end(async move {
        workflows::refresh_session::refresh_session(&state, &body.0.refresh_token).await
    })
    .await??;
    Ok(HttpResponse::Ok().json(pair))
}

/// Ends the session that a token names, whether or not its secret is still good: presenting a wrong one to a refresh
/// would end it as well, and a client whose last answer was lost must be able to log out.
pub async fn log_out(state: Data<AppState>, body: Body<RefreshToken>) -> Result<HttpResponse, ApiError> {
    if let Some(token) = Token::parse(&body.0.refresh_token) {
        run_to_end(async move { state.sessions.revoke(token.session_id, Timestamp::now()).await }).await??;
    }
    Ok(HttpResponse::NoContent().finish())
}

/// A JSON Web Key Set (RFC 7517).
pub async fn publish_keys(state: Data<AppState>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "public, max-age=60"))
        .json(state.access_tokens.published_keys())
}
