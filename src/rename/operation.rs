//! One statement of a rename.

use super::taken_names::{TakenName, name_of_value, names_of};
use crate::kinds::{Identity, common, enumeration};
use crate::model::sql::Ident;
use crate::model::{Catalog, Object, ObjectId, Pair, Step};
use crate::sql;

/// One statement of a rename. Containers have the names that they have before all renames.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    /// The object under both names, or the enum that has the value.
    pub(super) object: Pair<ObjectId>,
    /// The value of an enum under both names.
    pub(super) value: Option<Pair<String>>,
    /// Whether the statement creates a schema to which objects move.
    pub(super) creates_schema: bool,
    /// The complete rename, if the statement renames from or to a temporary name.
    pub(super) half_of: Option<Box<Operation>>,
}

impl Operation {
    /// Returns the rename of an object, or its move to another schema.
    pub(super) fn of(object: Pair<ObjectId>) -> Self {
        Self { object, value: None, creates_schema: false, half_of: None }
    }

    /// Returns the operation that reverses this one.
    fn reversed(&self) -> Self {
        Self {
            object: self.object.clone().swapped(),
            value: self.value.clone().map(Pair::swapped),
            creates_schema: self.creates_schema,
            half_of: self.half_of.as_ref().map(|rename| Box::new(rename.reversed())),
        }
    }

    /// Returns the name before the operation.
    fn old_name(&self) -> &str {
        self.value.as_ref().map_or(self.object.before.name(), |value| &value.before)
    }

    /// Returns the names that the operation frees, and those that it takes.
    pub(super) fn names(&self) -> Pair<Vec<TakenName>> {
        let Pair { before, after } = &self.object;
        match &self.value {
            Some(value) => Pair {
                before: vec![name_of_value(before, &value.before)],
                after: vec![name_of_value(before, &value.after)],
            },
            None => Pair { before: names_of(before), after: names_of(after) },
        }
    }

    /// Splits the operation into two with a temporary name between them. `is_free` says whether the names are free.
    pub(super) fn through_temporary_name(&self, is_free: impl Fn(&[TakenName]) -> bool) -> (Self, Self) {
        let halves = |temporary: &str| {
            let half = Self { half_of: Some(Box::new(self.clone())), ..self.clone() };
            let (mut first, mut second) = (half.clone(), half);
            match (&mut first.value, &mut second.value) {
                (Some(first), Some(second)) => {
                    temporary.clone_into(&mut first.after);
                    temporary.clone_into(&mut second.before);
                }
                _ => {
                    let object = with_name(&self.object.before, temporary);
                    first.object.after = object.clone();
                    second.object.before = object;
                }
            }
            (first, second)
        };
        let mut n = 0;
        loop {
            let (first, second) = halves(&temporary_name(self.old_name(), n));
            if is_free(&first.names().after) {
                return (first, second);
            }
            n += 1;
        }
    }

    /// Returns the step of the operation.
    pub(super) fn step(&self, catalog: &Catalog) -> Step {
        let mut step = self.statement(catalog);
        // Other sessions never see the temporary name. The second half has the hazards of the complete rename.
        if let Some(rename) = &self.half_of {
            let is_first = self.object.before == rename.object.before && self.old_name() == rename.old_name();
            step.hazards = if is_first { Vec::new() } else { rename.statement(catalog).hazards };
        }
        step
    }

    /// Returns the step that reverses the operation.
    pub(super) fn reversed_step(&self, catalog: &Catalog) -> Step {
        if self.creates_schema {
            let schema = &self.object.after;
            return Step::drop(schema, sql!("DROP SCHEMA {}", Ident(schema.name())));
        }
        self.reversed().step(catalog)
    }

    fn statement(&self, catalog: &Catalog) -> Step {
        let Pair { before, after } = &self.object;
        if self.creates_schema {
            return Step::create(after, sql!("CREATE SCHEMA {}", Ident(after.name())));
        }
        // All other attributes are the same under both names.
        let object = catalog.get(before).or_else(|| catalog.get(after));
        let mut object = object.cloned().unwrap_or_else(|| Object::new(before.clone()));
        object.id = before.clone();
        if let Some(value) = &self.value {
            return enumeration::rename_value(&object, Pair { before: &value.before, after: &value.after });
        }
        if before.schema() != after.schema() {
            return common::move_to(&object, &after.path()[0]);
        }
        match before.kind.get().rename {
            Some(rename) => rename(&object, after.name()),
            None => common::rename(&object, after.name()),
        }
    }
}

/// Returns an object under another name in the same container.
pub(super) fn with_name(id: &ObjectId, name: &str) -> ObjectId {
    let mut path: Vec<&str> = id.path().iter().map(|part| &**part).collect();
    let name_index = if id.kind.get().identity == Identity::Routine { 1 } else { path.len() - 1 };
    path[name_index] = name;
    ObjectId::new(id.kind, &path)
}

/// Returns a temporary name of at most 63 bytes.
fn temporary_name(name: &str, n: usize) -> String {
    let suffix = if n == 0 { "__renaming".to_owned() } else { format!("__renaming{n}") };
    let end = name.floor_char_boundary(63 - suffix.len());
    format!("{}{suffix}", &name[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporary_names_fit() {
        assert_eq!(temporary_name(&"ä".repeat(31), 0).len(), 62);
    }
}
