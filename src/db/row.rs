//! What a server answers: rows of text, as they come.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::{Stream, StreamExt as _};
use tokio_postgres::{SimpleQueryMessage, SimpleQueryRow, SimpleQueryStream};

use super::failure::Lost;
use crate::error::Result;

/// A row; every value is text or NULL.
#[derive(Debug)]
pub struct Row(SimpleQueryRow);

impl Row {
    /// The value of a column, counted from 0. None is NULL, and also a column that is not there.
    pub fn get(&self, column: usize) -> Option<&str> {
        self.0.try_get(column).ok().flatten()
    }

    /// The value of a column by its name.
    pub fn named(&self, column: &str) -> Option<&str> {
        self.0.try_get(column).ok().flatten()
    }

    /// How many columns there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no column at all, as in `SELECT FROM t`.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names of the columns.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.0.columns().iter().map(tokio_postgres::SimpleColumn::name)
    }
}

/// A part of the answer to a batch of statements.
#[derive(Debug)]
pub enum Message {
    /// The next rows are of a new statement and have these columns.
    Columns(Vec<String>),
    /// A row.
    Row(Row),
    /// A statement ended; so many rows were read or changed.
    Done(u64),
}

/// The answer to a batch, which is decoded while the server works on.
pub struct Batch {
    stream: Pin<Box<SimpleQueryStream>>,
    sql: Arc<str>,
    lost: Lost,
}

impl Batch {
    pub(super) fn new(stream: SimpleQueryStream, sql: &str, lost: Lost) -> Self {
        Self { stream: Box::pin(stream), sql: sql.into(), lost }
    }

    /// The next part; None after the last.
    pub async fn message(&mut self) -> Result<Option<Message>> {
        self.next().await.transpose()
    }
}

impl Stream for Batch {
    type Item = Result<Message>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let message = match std::task::ready!(self.stream.as_mut().poll_next(context)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(self.lost.error(&error, &self.sql)))),
                Some(Ok(message)) => message,
            };
            let message = match message {
                SimpleQueryMessage::RowDescription(columns) => {
                    Message::Columns(columns.iter().map(|column| column.name().to_owned()).collect())
                }
                SimpleQueryMessage::Row(row) => Message::Row(Row(row)),
                SimpleQueryMessage::CommandComplete(rows) => Message::Done(rows),
                // The enum may grow; what we do not know carries nothing of ours.
                _ => continue,
            };
            return Poll::Ready(Some(Ok(message)));
        }
    }
}
