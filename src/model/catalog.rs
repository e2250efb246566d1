//! Catalogs: the state of a database, as a server describes it.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;

use super::object::{Object, ObjectId};
use super::version::PgVersion;

/// How one object depends on another (manual, section 53.18, `pg_depend.deptype`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DependencyKind {
    /// The other object cannot be dropped while this one exists.
    Normal,
    /// This object is dropped together with the other.
    Auto,
    /// This object is the part of the other on a partition. It exists before the other, and is only dropped together with
    /// it.
    Part,
    /// The other object is made of this one, as a partitioned table is of the columns of its partition key. They are only
    /// dropped together.
    Internal,
}

/// The dependency of one object on another, as indexes into [`Catalog::objects`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dependency {
    /// The object that depends on the other.
    pub from: usize,
    /// The object that it depends on.
    pub to: usize,
    /// The kind of dependency.
    pub kind: DependencyKind,
}

/// A role that objects of a catalog name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoleFacts {
    /// Whether it is a superuser on the server from which the catalog was read.
    pub superuser: bool,
}

/// A table in which another migration tool keeps its records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackingTable {
    /// The table.
    pub table: ObjectId,
    /// The sequences that its columns own.
    pub sequences: Vec<ObjectId>,
    /// The tool.
    pub tool: &'static str,
}

impl std::fmt::Display for TrackingTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {}", self.table, self.tool)
    }
}

/// Objects by identity, in the order in which they were read.
pub type Objects = IndexMap<ObjectId, Object, FxBuildHasher>;

/// The objects of a database, without those of the system and of extensions.
#[derive(Clone, Debug)]
pub struct Catalog {
    /// The version of the server.
    pub version: PgVersion,
    /// The objects, in the order in which they were read.
    pub objects: Objects,
    /// The dependencies among the objects, sorted.
    pub dependencies: Vec<Dependency>,
    /// The role that read the catalog. It is assumed to run the migrations, too.
    pub user: String,
    /// The roles that objects name.
    pub roles: BTreeMap<String, RoleFacts>,
    /// Objects of kinds that are not modelled, as the server describes them.
    pub unmodelled: Vec<String>,
    /// Tables in which other migration tools keep their records. They are not among the objects.
    pub tracking_tables: Vec<TrackingTable>,
    children: IndexMap<ObjectId, Vec<usize>, FxBuildHasher>,
    /// For each object, the index of its first dependency; then the number of dependencies.
    starts: Vec<usize>,
    /// Indexes into `dependencies`, sorted by the object that others depend on.
    reversed: Vec<usize>,
}

impl Catalog {
    /// Returns a catalog of these objects, without dependencies.
    pub fn new(version: PgVersion, objects: Objects) -> Self {
        let mut children: IndexMap<ObjectId, Vec<usize>, FxBuildHasher> = IndexMap::default();
        for (i, id) in objects.keys().enumerate() {
            if let Some(parent) = id.parent_keys().find(|parent| objects.contains_key(parent)) {
                match children.get_mut(&parent) {
                    Some(list) => list.push(i),
                    None => drop(children.insert(parent.into(), vec![i])),
                }
            }
        }
        for list in children.values_mut() {
            list.sort_by(|a, b| {
                let key = |i: &usize| (objects[*i].id.kind, objects[*i].position);
                key(a).cmp(&key(b)).then_with(|| objects[*a].id.cmp(&objects[*b].id))
            });
        }
        Self {
            version,
            objects,
            dependencies: Vec::new(),
            user: String::new(),
            roles: BTreeMap::new(),
            unmodelled: Vec::new(),
            tracking_tables: Vec::new(),
            children,
            starts: Vec::new(),
            reversed: Vec::new(),
        }
    }

    /// Returns an object.
    pub fn get(&self, id: &ObjectId) -> Option<&Object> {
        self.objects.get(id)
    }

    /// Whether the object exists.
    pub fn contains(&self, id: &ObjectId) -> bool {
        self.objects.contains_key(id)
    }

    /// Gives objects another identity, unless another object has it. The objects must not have parents or parts.
    pub fn rename(&mut self, to: impl Fn(&Object) -> Option<ObjectId>) {
        for index in 0..self.objects.len() {
            let Some(id) = to(&self.objects[index]).filter(|id| !self.objects.contains_key(id)) else {
                continue;
            };
            let Some((_, mut object)) = self.objects.swap_remove_index(index) else { continue };
            object.id = id.clone();
            let (last, _) = self.objects.insert_full(id, object);
            self.objects.swap_indices(index, last);
        }
    }

    /// Sets the dependencies among the objects.
    pub fn set_dependencies(&mut self, mut dependencies: Vec<Dependency>) {
        dependencies.retain(|d| d.from != d.to);
        dependencies.sort_unstable();
        // Of two kinds for the same pair of objects, the stronger one sorts first.
        dependencies.dedup_by_key(|d| (d.from, d.to));
        self.starts = vec![0; self.objects.len() + 1];
        for dependency in &dependencies {
            self.starts[dependency.from + 1] += 1;
        }
        for i in 0..self.objects.len() {
            self.starts[i + 1] += self.starts[i];
        }
        self.reversed = (0..dependencies.len()).collect();
        self.reversed.sort_by_key(|i| (dependencies[*i].to, dependencies[*i].from));
        self.dependencies = dependencies;
    }

    /// Returns the objects that an object depends on.
    pub fn dependencies_of<'a>(
        &'a self,
        id: &ObjectId,
    ) -> impl Iterator<Item = (&'a ObjectId, DependencyKind)> + use<'a> {
        let range = match self.objects.get_index_of(id) {
            Some(i) if i + 1 < self.starts.len() => self.starts[i]..self.starts[i + 1],
            _ => 0..0,
        };
        self.dependencies[range].iter().map(|d| (self.id(d.to), d.kind))
    }

    /// Whether an object depends on another, directly or not. An object in a cycle depends on itself.
    pub fn depends_on(&self, id: &ObjectId, other: &ObjectId) -> bool {
        self.depends_on_avoiding(id, other, &|_| false)
    }

    /// Whether an object depends on another, directly or through objects that are not `excluded`.
    pub fn depends_on_avoiding(
        &self,
        id: &ObjectId,
        other: &ObjectId,
        excluded: &dyn Fn(&ObjectId) -> bool,
    ) -> bool {
        let mut seen = BTreeSet::new();
        let mut stack = vec![id];
        while let Some(here) = stack.pop() {
            for (needed, _) in self.dependencies_of(here) {
                if needed == other {
                    return true;
                }
                if !excluded(needed) && seen.insert(needed) {
                    stack.push(needed);
                }
            }
        }
        false
    }

    /// Returns the objects that depend on an object.
    pub fn dependents_of<'a>(
        &'a self,
        id: &ObjectId,
    ) -> impl Iterator<Item = (&'a ObjectId, DependencyKind)> + use<'a> {
        let range = self.objects.get_index_of(id).map_or(0..0, |i| {
            let to = |index: &usize| self.dependencies[*index].to;
            self.reversed.partition_point(|p| to(p) < i)..self.reversed.partition_point(|p| to(p) <= i)
        });
        self.reversed[range]
            .iter()
            .map(|index| &self.dependencies[*index])
            .map(|dependency| (self.id(dependency.from), dependency.kind))
    }

    /// Returns the identity of the object at an index of [`Self::objects`].
    ///
    /// # Panics
    /// Panics if the index is out of bounds.
    pub fn id(&self, index: usize) -> &ObjectId {
        self.objects.get_index(index).map(|(id, _)| id).expect("dependencies have indexes of this catalog")
    }

    /// Returns a catalog of the wanted objects and the dependencies among them.
    #[must_use]
    pub fn filtered(&self, wanted: impl Fn(&ObjectId) -> bool) -> Self {
        let kept = self.objects.iter().filter(|(id, _)| wanted(id));
        let mut part =
            Self::new(self.version, kept.map(|(id, object)| (id.clone(), object.clone())).collect());
        let index = |old: usize| part.objects.get_index_of(self.id(old));
        let dependencies = self.dependencies.iter().filter_map(|old| {
            Some(Dependency { from: index(old.from)?, to: index(old.to)?, kind: old.kind })
        });
        let dependencies = dependencies.collect();
        part.set_dependencies(dependencies);
        part.user.clone_from(&self.user);
        part.roles.clone_from(&self.roles);
        part
    }

    /// Returns the object that this one is part of.
    pub fn parent(&self, id: &ObjectId) -> Option<ObjectId> {
        id.parent_keys().find(|parent| self.objects.contains_key(parent)).map(ObjectId::from)
    }

    /// Returns the parts of an object, by kind and position.
    pub fn children<'a>(&'a self, id: &ObjectId) -> impl Iterator<Item = &'a Object> + use<'a> {
        self.children.get(id).into_iter().flatten().map(|i| &self.objects[*i])
    }

    /// Returns the objects, sorted by kind and name.
    pub fn sorted(&self) -> Vec<&Object> {
        let mut all: Vec<&Object> = self.objects.values().collect();
        all.sort_by(|a, b| a.id.cmp(&b.id));
        all
    }
}
