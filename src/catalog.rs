//! Reads the catalog of a database: all kinds in one snapshot, a query a kind, none per object.

mod acl;
mod array;
mod decode;
mod dependencies;
mod parallel;
mod parked;
mod present;
mod unmodelled;

use rustc_hash::{FxBuildHasher, FxHashMap as Map};

use self::parallel::ParallelConnection;
pub use self::parked::parked;
use self::present::Present;
use crate::db::{Message, Row, Session};
use crate::error::Result;
use crate::kinds::{Kind, KindName, ValueType};
use crate::model::catalog::RoleFacts;
use crate::model::reserved::{is_own_schema, is_system_role};
use crate::model::{Catalog, Object, Objects, PgVersion, Value};

/// Where a row of a system catalog lives: class, OID and column number.
type Address = (u32, u32, i32);

/// Reads everything. The session's settings are those of [`crate::db::READ_SETTINGS`].
///
/// # Errors
/// What the server says; it is read again, a few times, when somebody changes the schema meanwhile.
pub async fn read(session: &Session) -> Result<Catalog> {
    const TRIES: usize = 3;
    let mut last = None;
    for _ in 0..TRIES {
        let (catalog, stand) = read_once(session).await?;
        // What prints an expression reads the newest catalog whatever the snapshot, so that a change
        // in between would give two states mixed.
        if stand.is_still(session).await? {
            return Ok(catalog);
        }
        last = Some(catalog);
    }
    last.ok_or_else(|| crate::Error::Internal("no try was made".into()))
}

/// How the schema stood in the snapshot in which it was read.
struct CatalogFingerprint {
    snapshot: Option<String>,
    print: Cells,
}

type Cells = Vec<Option<String>>;

/// Which transactions have ended. While it is the same, nobody has changed anything.
const SNAPSHOT: &str = "pg_current_snapshot()";

/// Numbers that change when the schema does.
const FINGERPRINT: &str = "SELECT (SELECT sum(hashint8(oid::bigint << 32 | xmin::text::bigint)) FROM pg_class), \
    (SELECT sum(hashint8(oid::bigint << 32 | xmin::text::bigint)) FROM pg_constraint), \
    (SELECT sum(hashint8(oid::bigint << 32 | xmin::text::bigint)) FROM pg_proc), \
    (SELECT sum(hashint8(oid::bigint << 32 | xmin::text::bigint)) FROM pg_rewrite), \
    (SELECT sum(hashint8(oid::bigint << 32 | xmin::text::bigint)) FROM pg_type)";

impl CatalogFingerprint {
    /// Whether the schema is as it was; ends the transaction in which it was read.
    async fn is_still(&self, session: &Session) -> Result<bool> {
        let now = cells(session, &format!("COMMIT; SELECT {SNAPSHOT}")).await?;
        Ok(self.snapshot == now.into_iter().next().flatten()
            || self.print == cells(session, FINGERPRINT).await?)
    }
}

async fn cells(session: &Session, query: &str) -> Result<Cells> {
    let rows = session.rows(query).await?;
    Ok(rows
        .first()
        .map(|row| (0..row.len()).map(|i| row.get(i).map(str::to_owned)).collect())
        .unwrap_or_default())
}

/// One state for all queries, and memory enough to sort a large catalog's rows in it.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL work_mem = '64MB'";

/// What a reading gathers before names replace OIDs.
#[derive(Default)]
struct Reading {
    /// Objects with the addresses of their rows.
    objects: Vec<(Address, Object)>,
    /// Attributes that hold column numbers, to be named at the end: object, attribute, numbers.
    columns: Vec<(usize, &'static str, String)>,
    /// Names of columns, those of extensions too.
    names: Map<(u32, i32), String>,
    /// The role that reads.
    user: String,
    superusers: Vec<String>,
    comments: Map<Address, String>,
    edges: Vec<dependencies::Edge>,
    features: Vec<unmodelled::Finding>,
}

/// What one query of a reading is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Kind(KindName),
    Comments,
    Roles,
    Dependencies,
    Features,
}

impl Part {
    /// Every part that can have rows, in the order in which a catalog has its objects.
    fn all(present: &Present) -> Vec<Self> {
        let kinds = KindName::ALL.iter().filter(|kind| present.has(**kind)).map(|kind| Self::Kind(*kind));
        kinds.chain([Self::Comments, Self::Roles, Self::Dependencies, Self::Features]).collect()
    }

    fn query(self, version: PgVersion) -> String {
        match self {
            Self::Kind(kind) => (kind.get().query)(version),
            Self::Comments => COMMENTS.to_owned(),
            Self::Roles => ROLES.to_owned(),
            Self::Dependencies => dependencies::query(version),
            Self::Features => unmodelled::query(),
        }
    }
}

async fn read_once(session: &Session) -> Result<(Catalog, CatalogFingerprint)> {
    let read = read_in_transaction(session).await;
    if read.is_err() {
        // What went wrong is the answer, not that the end of it went wrong too.
        let _ = session.run("ROLLBACK").await;
    }
    read
}

async fn read_in_transaction(session: &Session) -> Result<(Catalog, CatalogFingerprint)> {
    let early = ParallelConnection::early(session);
    let look = format!("{BEGIN}; SELECT {}, {SNAPSHOT}, {}", present::columns(), parallel::snapshot(session));
    let rows = session.rows(&look).await?;
    let [look] = rows.as_slice() else {
        return Err(crate::Error::Internal("the first look has one row".into()));
    };
    let parts = Part::all(&Present::from(look));
    let gathered = match look.get(look.len() - 1) {
        None => gather(session, &parts).await?,
        Some(snapshot) => {
            let second = early.unwrap_or_else(|| ParallelConnection::begin(session));
            parallel::shared(session, second, snapshot, &parts).await?
        }
    };
    let version = session.version();
    // The server has something to do while the catalog is put together.
    let assembled = tokio::task::spawn_blocking(move || assemble(version, joined(gathered)));
    let (print, assembled) = tokio::join!(cells(session, FINGERPRINT), assembled);
    let (mut catalog, left) = assembled.map_err(|error| crate::Error::Internal(error.to_string()))?;
    catalog.unmodelled = unmodelled::named(session, &left).await?;
    let snapshot = look.get(look.len() - 2).map(str::to_owned);
    Ok((catalog, CatalogFingerprint { snapshot, print: print? }))
}

type Gathered = Vec<(Part, Reading)>;

/// Runs the parts' queries as one batch, and decodes the rows while the server works on.
async fn gather(session: &Session, parts: &[Part]) -> Result<Gathered> {
    if parts.is_empty() {
        return Ok(Vec::new());
    }
    let queries: Vec<String> = parts.iter().map(|part| part.query(session.version())).collect();
    let mut stream = session.stream(&queries.join(";\n")).await?;
    let mut gathered: Gathered = Vec::with_capacity(parts.len());
    let mut decoder = None;
    while let Some(message) = stream.message().await? {
        match message {
            Message::Columns(columns) => {
                let Some(part) = parts.get(gathered.len()) else { continue };
                decoder = match part {
                    Part::Kind(kind) => Some(decode::Decoder::new(*kind, &columns)),
                    Part::Comments | Part::Roles | Part::Dependencies | Part::Features => None,
                };
                gathered.push((*part, Reading::default()));
            }
            Message::Row(row) => match (gathered.last_mut(), &decoder) {
                (Some((_, reading)), Some(decoder)) => decoder.row(&row, reading),
                (Some((part, reading)), None) => reading.take(*part, &row),
                (None, _) => {}
            },
            Message::Done(_) => {}
        }
    }
    Ok(gathered)
}

impl Reading {
    /// A row of what is read for all kinds.
    fn take(&mut self, part: Part, row: &Row) {
        match part {
            Part::Comments => {
                let text = row.get(3).unwrap_or_default().to_owned();
                self.comments.insert(decode::address(row), text);
            }
            Part::Roles => {
                let name = row.get(0).unwrap_or_default();
                if row.get(1) == Some("t") {
                    self.superusers.push(name.to_owned());
                }
                if row.get(2) == Some("t") {
                    name.clone_into(&mut self.user);
                }
            }
            Part::Dependencies => self.edges.push(dependencies::Edge::from(row)),
            Part::Features => self.features.push(unmodelled::Finding::from(row)),
            Part::Kind(_) => {}
        }
    }
}

/// The readings of all parts as one.
fn joined(gathered: Gathered) -> Reading {
    let mut all = Reading::default();
    for (part, reading) in gathered {
        let start = all.objects.len();
        all.objects.extend(reading.objects);
        all.columns.extend(reading.columns.into_iter().map(|(i, name, numbers)| (start + i, name, numbers)));
        all.names.extend(reading.names);
        match part {
            Part::Comments => all.comments = reading.comments,
            Part::Roles => (all.user, all.superusers) = (reading.user, reading.superusers),
            Part::Dependencies => all.edges = reading.edges,
            Part::Features => all.features = reading.features,
            Part::Kind(_) => {}
        }
    }
    all
}

const COMMENTS: &str = "SELECT classoid, objoid, objsubid, description FROM pg_description \
    WHERE objoid >= 16384 OR classoid = 'pg_namespace'::regclass AND objoid = 'public'::regnamespace";

const ROLES: &str =
    "SELECT rolname, rolsuper, rolname = current_user FROM pg_roles WHERE rolsuper OR rolname = current_user";

fn assemble(version: PgVersion, mut reading: Reading) -> (Catalog, Vec<unmodelled::Finding>) {
    let (comments, superusers) =
        (std::mem::take(&mut reading.comments), std::mem::take(&mut reading.superusers));
    let edges = std::mem::take(&mut reading.edges);
    let edges = edges.as_slice();
    for (i, attribute, numbers) in std::mem::take(&mut reading.columns) {
        let names = decode::column_names(&numbers, &reading.names);
        reading.objects[i].1.set(attribute, Value::List(names));
    }
    let members = dependencies::extension_members(edges);
    let mut objects = Objects::with_capacity_and_hasher(reading.objects.len(), FxBuildHasher);
    let mut orphans: Vec<Address> = Vec::new();
    let mut addresses: Map<Address, usize> =
        Map::with_capacity_and_hasher(reading.objects.len(), FxBuildHasher);
    let mut extensions = dependencies::extensions_relied_on(edges, &reading.objects);
    for (address, mut object) in reading.objects {
        let kind = object.id.kind.get();
        let orphan =
            !kind.parents.is_empty() && !object.id.parent_keys().any(|parent| objects.contains_key(&parent));
        let own = object.id.path().first().is_some_and(|schema| is_own_schema(schema));
        // What belongs to an extension, and what hangs off that, comes with the extension.
        if orphan || own || members.contains_key(&(address.0, address.1)) {
            if orphan && !own {
                orphans.push(address);
            }
            continue;
        }
        if let Some(comment) = comments.get(&address)
            && kind.attribute("comment").is_some()
        {
            object.set("comment", Value::Text(comment.clone()));
        }
        if let Some(names) = extensions.remove(&address)
            && kind.attribute("depends_on_extensions").is_some()
        {
            object.set("depends_on_extensions", Value::List(names));
        }
        let (place, _) = objects.insert_full(object.id.clone(), object);
        addresses.insert(address, place);
    }
    let mut catalog = Catalog::new(version, objects);
    let known = dependencies::resolve(edges, &addresses, &members, &catalog);
    catalog.set_dependencies(known.clone());
    let implied = dependencies::implied(&catalog);
    catalog.set_dependencies(known.into_iter().chain(implied).collect());
    catalog.user = std::mem::take(&mut reading.user);
    catalog.roles = roles(&catalog, &superusers);
    let known = unmodelled::Known { catalog: &catalog, addresses: &addresses, members: &members, edges };
    let left = known.left(orphans, &comments, std::mem::take(&mut reading.features));
    (catalog, left)
}

/// The names of the roles that a catalog's objects name.
pub fn roles_of(catalog: &Catalog) -> Vec<String> {
    roles(catalog, &[]).into_keys().collect()
}

/// The roles that objects name.
fn roles(catalog: &Catalog, superusers: &[String]) -> std::collections::BTreeMap<String, RoleFacts> {
    let mut roles = std::collections::BTreeMap::new();
    let mut note = |name: &str| {
        if !is_system_role(name) && name != crate::kinds::common::OWNER_GRANTEE {
            let superuser = superusers.iter().any(|other| other == name);
            roles.insert(name.to_owned(), RoleFacts { superuser });
        }
    };
    for object in catalog.objects.values() {
        let kind: &Kind = object.id.kind.get();
        for (name, value) in object.attributes() {
            match (kind.attribute(name).map(|attribute| attribute.value_type), value) {
                (Some(ValueType::Role), Value::Text(role)) => note(role),
                (Some(ValueType::Roles), Value::List(list)) => list.iter().for_each(|role| note(role)),
                (Some(ValueType::Grants), Value::Map(map)) => map.iter().for_each(|(role, list)| {
                    note(role);
                    let by = if let Value::List(list) = list { list.as_slice() } else { &[] };
                    by.iter().filter_map(|p| crate::kinds::common::grantor(p)).for_each(&mut note);
                }),
                _ => {}
            }
        }
    }
    roles
}
