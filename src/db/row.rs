//! The results of queries: rows of text, read while the server sends them.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::{Stream, StreamExt as _};
use tokio_postgres::{SimpleQueryMessage, SimpleQueryRow, SimpleQueryStream};

use super::failure::Lost;
use crate::error::Result;

/// A row whose values are text or NULL.
#[derive(Debug)]
pub struct Row(SimpleQueryRow);

impl Row {
    /// The value of a column, counted from 0. None means NULL, or that the row has no such column.
    pub fn get(&self, column: usize) -> Option<&str> {
        self.0.try_get(column).ok().flatten()
    }

    /// The value of a column by name. None means NULL, or that the row has no such column.
    pub fn named(&self, column: &str) -> Option<&str> {
        self.0.try_get(column).ok().flatten()
    }

    /// The number of columns.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns true if the row has no columns, as in `SELECT FROM t`.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names of the columns.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.0.columns().iter().map(tokio_postgres::SimpleColumn::name)
    }
}

/// A part of the result of a batch of statements.
#[derive(Debug)]
pub enum Message {
    /// A statement starts to return rows with these columns.
    Columns(Vec<String>),
    /// A row.
    Row(Row),
    /// A statement has completed, and returned or changed this number of rows.
    Done(u64),
}

/// The result of a batch, decoded while the server runs it.
pub struct Batch {
    stream: Pin<Box<SimpleQueryStream>>,
    sql: Arc<str>,
    lost: Lost,
}

impl Batch {
    pub(super) fn new(stream: SimpleQueryStream, sql: &str, lost: Lost) -> Self {
        Self { stream: Box::pin(stream), sql: sql.into(), lost }
    }

    /// Returns the next part, or None after the last.
    ///
    /// # Errors
    /// Returns an error if a statement fails or the connection is lost.
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
                // The enum is non-exhaustive; other messages carry no data.
                _ => continue,
            };
            return Poll::Ready(Some(Ok(message)));
        }
    }
}
