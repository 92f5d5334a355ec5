//! Bodies in chunks that are answered before they were read to their end.
//!
//! The server reads on and throws away what comes of a body that nobody holds any more, however long its client sends, so
//! that the connection can be used again. Of one that somebody could still read it closes the connection, a second after
//! the answer. So the answer holds the body until it is sent.

use actix_web::HttpRequest;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header;
use actix_web::web::Bytes;
use futures_util::Stream;
use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

/// A body in chunks; nothing where the request has none.
pub struct Held(Option<Rc<RefCell<Payload>>>);

/// Keeps the body of a request in chunks, and lends it to whoever answers.
pub fn hold(request: &HttpRequest, payload: Payload) -> (Payload, Held) {
    if !request.headers().contains_key(header::TRANSFER_ENCODING) {
        return (payload, Held(None));
    }
    let held = Rc::new(RefCell::new(payload));
    let lent: Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>> = Box::pin(Lent(held.clone()));
    (Payload::Stream { payload: lent }, Held(Some(held)))
}

struct Lent(Rc<RefCell<Payload>>);

impl Stream for Lent {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_next(cx)
    }
}

/// The body of an answer, with that of its request.
pub struct Answer {
    pub body: BoxBody,
    pub held: Held,
}

impl MessageBody for Answer {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        match self.body.size() {
            // An answer without a body is not kept until it is sent; an empty one is.
            BodySize::None if self.held.0.is_some() => BodySize::Sized(0),
            size => size,
        }
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_next(cx)
    }

    fn try_into_bytes(self) -> Result<Bytes, Self> {
        let Self { body, held } = self;
        if held.0.is_some() {
            return Err(Self { body, held });
        }
        body.try_into_bytes().map_err(|body| Self { body, held })
    }
}
