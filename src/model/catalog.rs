//! A whole state of a database, as a server described it.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;

use super::object::{Object, ObjectId};
use super::version::PgVersion;

/// How one object depends on another (manual, section 53.18, `pg_depend.deptype`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DependencyKind {
    /// The other cannot be dropped while this exists.
    Normal,
    /// This goes with the other without a word.
    Auto,
    /// This is the other's share on a partition: it goes with the other, never alone, and is there before it.
    Part,
    /// This is what the other is made of: a column of its table's partition key. Neither goes without the other.
    Internal,
}

/// One object's dependence on another, as places in [`Catalog::objects`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dependency {
    /// What depends.
    pub from: usize,
    /// What it depends on.
    pub to: usize,
    /// How.
    pub kind: DependencyKind,
}

/// A role that a catalog names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoleFacts {
    /// Whether it is a superuser where the catalog was read.
    pub superuser: bool,
}

/// Objects by identity, in an order.
pub type Objects = IndexMap<ObjectId, Object, FxBuildHasher>;

/// The objects of a database, without those that belong to the system or to extensions.
#[derive(Clone, Debug)]
pub struct Catalog {
    /// The server that described them.
    pub version: PgVersion,
    /// The objects, in the order in which they were read.
    pub objects: Objects,
    /// Who depends on whom, sorted.
    pub dependencies: Vec<Dependency>,
    /// The role that read it, taken for the one that will run what is planned.
    pub user: String,
    /// Roles that objects name.
    pub roles: BTreeMap<String, RoleFacts>,
    /// User objects of kinds that are not modelled, described by the server.
    pub unmodelled: Vec<String>,
    children: IndexMap<ObjectId, Vec<usize>, FxBuildHasher>,
    /// For each object where its dependencies start, and one more place for the end.
    starts: Vec<usize>,
    /// Places in `dependencies`, sorted by what is depended on.
    reversed: Vec<usize>,
}

impl Catalog {
    /// A catalog of these objects.
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
            children,
            starts: Vec::new(),
            reversed: Vec::new(),
        }
    }

    /// An object.
    pub fn get(&self, id: &ObjectId) -> Option<&Object> {
        self.objects.get(id)
    }

    /// Whether the object exists.
    pub fn contains(&self, id: &ObjectId) -> bool {
        self.objects.contains_key(id)
    }

    /// Gives objects another identity, where it is free; none of them is part of another or has parts.
    pub fn rename(&mut self, to: impl Fn(&Object) -> Option<ObjectId>) {
        for place in 0..self.objects.len() {
            let Some(id) = to(&self.objects[place]).filter(|id| !self.objects.contains_key(id)) else {
                continue;
            };
            let Some((_, mut object)) = self.objects.swap_remove_index(place) else { continue };
            object.id = id.clone();
            let (last, _) = self.objects.insert_full(id, object);
            self.objects.swap_indices(place, last);
        }
    }

    /// Tells who depends on whom.
    pub fn set_dependencies(&mut self, mut dependencies: Vec<Dependency>) {
        dependencies.retain(|d| d.from != d.to);
        dependencies.sort_unstable();
        // The stronger word of two is the first in order.
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

    /// What an object depends on.
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

    /// Whether an object needs another, near or far. Two that need each other stand in a circle, and one that
    /// stands in a circle needs itself.
    pub fn needs(&self, id: &ObjectId, other: &ObjectId) -> bool {
        self.needs_around(id, other, &|_| false)
    }

    /// The same by a way that leads through no object that is to be left aside.
    pub fn needs_around(&self, id: &ObjectId, other: &ObjectId, aside: &dyn Fn(&ObjectId) -> bool) -> bool {
        let mut seen = BTreeSet::new();
        let mut stack = vec![id];
        while let Some(here) = stack.pop() {
            for (needed, _) in self.dependencies_of(here) {
                if needed == other {
                    return true;
                }
                if !aside(needed) && seen.insert(needed) {
                    stack.push(needed);
                }
            }
        }
        false
    }

    /// What depends on an object.
    pub fn dependents_of<'a>(
        &'a self,
        id: &ObjectId,
    ) -> impl Iterator<Item = (&'a ObjectId, DependencyKind)> + use<'a> {
        let range = self.objects.get_index_of(id).map_or(0..0, |i| {
            let to = |place: &usize| self.dependencies[*place].to;
            self.reversed.partition_point(|p| to(p) < i)..self.reversed.partition_point(|p| to(p) <= i)
        });
        self.reversed[range]
            .iter()
            .map(|place| (self.id(self.dependencies[*place].from), self.dependencies[*place].kind))
    }

    /// The identity at a place of [`Self::objects`].
    ///
    /// # Panics
    /// When there is no such place.
    pub fn id(&self, place: usize) -> &ObjectId {
        self.objects.get_index(place).map(|(id, _)| id).expect("dependencies name places of this catalog")
    }

    /// The catalog of some of the objects.
    #[must_use]
    pub fn only(&self, wanted: impl Fn(&ObjectId) -> bool) -> Self {
        let kept = self.objects.iter().filter(|(id, _)| wanted(id));
        let mut part =
            Self::new(self.version, kept.map(|(id, object)| (id.clone(), object.clone())).collect());
        let place = |old: usize| part.objects.get_index_of(self.id(old));
        let links = self.dependencies.iter().filter_map(|link| {
            Some(Dependency { from: place(link.from)?, to: place(link.to)?, kind: link.kind })
        });
        let links = links.collect();
        part.set_dependencies(links);
        part.user.clone_from(&self.user);
        part.roles.clone_from(&self.roles);
        part
    }

    /// What this object is part of.
    pub fn parent(&self, id: &ObjectId) -> Option<ObjectId> {
        id.parent_keys().find(|parent| self.objects.contains_key(parent)).map(ObjectId::from)
    }

    /// The parts of an object, by kind and position.
    pub fn children<'a>(&'a self, id: &ObjectId) -> impl Iterator<Item = &'a Object> + use<'a> {
        self.children.get(id).into_iter().flatten().map(|i| &self.objects[*i])
    }

    /// The objects sorted by kind and name.
    pub fn sorted(&self) -> Vec<&Object> {
        let mut all: Vec<&Object> = self.objects.values().collect();
        all.sort_by(|a, b| a.id.cmp(&b.id));
        all
    }
}
