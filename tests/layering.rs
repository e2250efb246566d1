//! Imports point one way: every module uses only the modules below it, no two files use each other, and the core
//! does no I/O.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};

/// The modules from top to bottom. A module may use those in the rows below its own.
const ROWS: &[&[&str]] = &[
    &["main"],
    &["cli"],
    &["report"],
    &["check", "drift"],
    &["migrate"],
    &["revision"],
    &["generate"],
    &["proof"],
    &["survey"],
    &["sandbox"],
    &["declare", "catalog"],
    &["config"],
    &["scratch"],
    &["db"],
    &["files", "yaml"],
    &["script"],
    &["recipes"],
    &["plan"],
    &["rename", "park"],
    &["allow"],
    &["manage"],
    &["diff"],
    &["coverage"],
    &["kinds"],
    &["model"],
    &["yaml"],
    &["error", "duration"],
];

/// The first row of the core, which is typed data in and typed data out.
const CORE: &str = "script";

/// What the core must not name: runtimes, connections, files, processes, the environment.
const IMPURE: &[&str] = &[
    "tokio",
    "tokio_postgres",
    "futures_util",
    "pglite_oxide",
    "tempfile",
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
];

/// The only file that names the embedded server's crates.
const EMBEDDED: &str = "src/db/embedded.rs";

/// A module: the path of its name, without `crate`.
type Module = Vec<String>;

/// A source file as far as its imports go.
struct File {
    path: PathBuf,
    module: Module,
    /// Every path that the code names, made absolute; those of other crates start with the crate's name.
    paths: BTreeSet<Vec<String>>,
    /// Names that `use` declarations bring into the module, with what they stand for.
    names: BTreeMap<String, Vec<String>>,
    /// Modules whose names a glob brings in.
    globs: Vec<Vec<String>>,
}

/// All files of the library and the program, by module.
struct Tree {
    files: BTreeMap<Module, File>,
}

/// Collects the paths of one file.
struct Collector {
    module: Module,
    /// How many inline modules surround the code being visited.
    depth: usize,
    paths: BTreeSet<Vec<String>>,
    names: BTreeMap<String, Vec<String>>,
    globs: Vec<Vec<String>>,
}

impl Collector {
    /// The path from the root of the crate, if it starts with `crate`, `self` or `super`; other paths stay as they are.
    fn absolute(&self, path: &[String]) -> Vec<String> {
        let mut base = self.module.clone();
        let mut rest = path;
        let mut inside = self.depth;
        match path.first().map(String::as_str) {
            Some("crate") => return [&["crate".to_owned()], &path[1..]].concat(),
            Some("self" | "super") => {}
            _ => return path.to_vec(),
        }
        while let Some((first, tail)) = rest.split_first() {
            match first.as_str() {
                "self" => {}
                "super" if inside > 0 => inside -= 1,
                "super" => drop(base.pop()),
                _ => break,
            }
            rest = tail;
        }
        [&["crate".to_owned()], base.as_slice(), rest].concat()
    }

    fn add(&mut self, path: &[String]) {
        let path = self.absolute(path);
        self.paths.insert(path);
    }

    fn use_tree(&mut self, tree: &syn::UseTree, prefix: &mut Vec<String>) {
        match tree {
            syn::UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.use_tree(&path.tree, prefix);
                prefix.pop();
            }
            syn::UseTree::Group(group) => group.items.iter().for_each(|item| self.use_tree(item, prefix)),
            syn::UseTree::Glob(_) => {
                let path = self.absolute(prefix);
                self.paths.insert(path.clone());
                self.globs.push(path);
            }
            syn::UseTree::Name(syn::UseName { ident }) => self.bring(ident, ident, prefix),
            syn::UseTree::Rename(syn::UseRename { ident, rename, .. }) => self.bring(ident, rename, prefix),
        }
    }

    fn bring(&mut self, ident: &syn::Ident, name: &syn::Ident, prefix: &mut Vec<String>) {
        let (path, name) = if ident == "self" {
            (prefix.clone(), prefix.last().cloned().unwrap_or_default())
        } else {
            ([prefix.as_slice(), &[ident.to_string()]].concat(), name.to_string())
        };
        let path = self.absolute(&path);
        self.paths.insert(path.clone());
        if self.depth == 0 {
            self.names.insert(name, path);
        }
    }
}

/// Whether the item is compiled for tests only.
fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Ident>().is_ok_and(|condition| condition == "test")
    })
}

impl Visit<'_> for Collector {
    fn visit_item_mod(&mut self, item: &syn::ItemMod) {
        if is_test(&item.attrs) {
            return;
        }
        self.depth += usize::from(item.content.is_some());
        visit::visit_item_mod(self, item);
        self.depth -= usize::from(item.content.is_some());
    }

    fn visit_item_use(&mut self, item: &syn::ItemUse) {
        self.use_tree(&item.tree, &mut Vec::new());
    }

    /// `pub(super)` is no use of the parent.
    fn visit_visibility(&mut self, _: &syn::Visibility) {}

    fn visit_path(&mut self, written: &syn::Path) {
        let path: Vec<String> = written.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.add(&path);
        visit::visit_path(self, written);
    }

    /// The arguments of a macro are tokens: every run of names joined by `::` counts as a path.
    fn visit_macro(&mut self, call: &syn::Macro) {
        let mut run: Vec<String> = Vec::new();
        let mut colons = 0;
        let mut stack = vec![call.tokens.clone().into_iter()];
        while let Some(tokens) = stack.last_mut() {
            match tokens.next() {
                Some(proc_macro2::TokenTree::Ident(ident)) => {
                    if colons != 2 && !run.is_empty() {
                        self.add(&std::mem::take(&mut run));
                    }
                    run.push(ident.to_string());
                    colons = 0;
                }
                Some(proc_macro2::TokenTree::Punct(punct)) if punct.as_char() == ':' => colons += 1,
                Some(proc_macro2::TokenTree::Group(group)) => {
                    self.add(&std::mem::take(&mut run));
                    colons = 0;
                    stack.push(group.stream().into_iter());
                }
                Some(_) => {
                    self.add(&std::mem::take(&mut run));
                    colons = 0;
                }
                None => {
                    self.add(&std::mem::take(&mut run));
                    stack.pop();
                }
            }
        }
        visit::visit_macro(self, call);
    }
}

impl Tree {
    fn read() -> Self {
        let mut files = BTreeMap::new();
        let mut folders = vec![PathBuf::from("src")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let file = File::read(&path);
                    files.insert(file.module.clone(), file);
                }
            }
        }
        Self { files }
    }

    /// The file that defines what a path of this crate names, seen from a file.
    fn target(&self, from: &File, path: &[String]) -> Option<&File> {
        let mut path = match path.first().map(String::as_str) {
            Some("crate") => path[1..].to_vec(),
            // A bare name: of a child module, or of something that a `use` brought in, which is counted there.
            Some(first) => {
                let child = [from.module.as_slice(), &[first.to_owned()]].concat();
                if !self.files.contains_key(&child) {
                    return None;
                }
                [from.module.as_slice(), path].concat()
            }
            None => return None,
        };
        // Names that are exported again lead to where they are defined.
        for _ in 0..8 {
            let depth = (0..=path.len()).rev().find(|depth| self.files.contains_key(&path[..*depth]))?;
            let file = &self.files[&path[..depth]];
            let Some(name) = path.get(depth) else { return Some(file) };
            let through = file.names.get(name);
            let next = match through {
                Some(next) => next.clone(),
                None => match self.through_glob(file, name) {
                    Some(next) => next,
                    None => return Some(file),
                },
            };
            let rest = &path[depth + 1..];
            path = match next.first().map(String::as_str) {
                Some("crate") => [&next[1..], rest].concat(),
                Some(first) => {
                    let child = [file.module.as_slice(), &[first.to_owned()]].concat();
                    if !self.files.contains_key(&child) {
                        return None;
                    }
                    [file.module.as_slice(), &next, rest].concat()
                }
                None => return None,
            };
        }
        None
    }

    /// What a name stands for that a module brings in by `use x::*`, if `x` exports it from elsewhere.
    fn through_glob(&self, file: &File, name: &str) -> Option<Vec<String>> {
        file.globs.iter().find_map(|glob| {
            let module = glob.strip_prefix(&["crate".to_owned()])?;
            self.files.get(module)?.names.get(name).cloned()
        })
    }

    /// For each file those that it uses.
    fn edges(&self) -> BTreeMap<&Module, BTreeSet<&Module>> {
        let of = |file: &File| {
            let targets = file.paths.iter().filter_map(|path| self.target(file, path));
            targets.map(|target| &self.files.get_key_value(&target.module).unwrap().0[..]).collect::<Vec<_>>()
        };
        self.files
            .iter()
            .map(|(module, file)| {
                let targets = of(file).into_iter().filter(|target| target != module && !target.is_empty());
                let keys = targets.map(|target| self.files.get_key_value(target).unwrap().0);
                (module, keys.collect())
            })
            .collect()
    }

    fn name(&self, module: &Module) -> String {
        self.files[module].path.display().to_string()
    }
}

impl File {
    fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let syntax = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let inside = path.strip_prefix("src").unwrap().with_extension("");
        let mut module: Module =
            inside.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
        if module == ["lib"] {
            module.clear();
        }
        let mut collector = Collector {
            module: module.clone(),
            depth: 0,
            paths: BTreeSet::new(),
            names: BTreeMap::new(),
            globs: Vec::new(),
        };
        collector.visit_file(&syntax);
        let Collector { paths, names, globs, .. } = collector;
        Self { path: path.to_owned(), module, paths, names, globs }
    }

    /// Whether the code names a module or crate.
    fn mentions(&self, name: &str) -> bool {
        let wanted: Vec<&str> = name.split("::").collect();
        self.paths
            .iter()
            .any(|path| path.iter().map(String::as_str).take(wanted.len()).eq(wanted.iter().copied()))
    }
}

/// The row of a module, from the top.
fn row(module: &Module) -> usize {
    let top = module.first().map_or("lib", String::as_str);
    ROWS.iter().position(|row| row.contains(&top)).unwrap_or_else(|| panic!("`{top}` is in no row of ROWS"))
}

#[test]
fn every_module_uses_only_the_modules_below_it() {
    let tree = Tree::read();
    let mut upward = String::new();
    for (from, targets) in tree.edges() {
        for to in targets.into_iter().filter(|to| !from.is_empty() && from.first() != to.first()) {
            if row(from) >= row(to) {
                writeln!(upward, "  {} uses {}", tree.name(from), tree.name(to)).unwrap();
            }
        }
    }
    assert!(upward.is_empty(), "imports that point up or sideways:\n{upward}");
}

#[test]
fn no_two_files_use_each_other() {
    let tree = Tree::read();
    let edges = tree.edges();
    let reachable = |start: &Module| {
        let mut seen: BTreeSet<&Module> = BTreeSet::new();
        let mut stack: Vec<&Module> = edges[start].iter().copied().collect();
        while let Some(here) = stack.pop() {
            if seen.insert(here) {
                stack.extend(edges[here].iter().copied());
            }
        }
        seen
    };
    let reached: BTreeMap<&Module, BTreeSet<&Module>> =
        edges.keys().map(|module| (*module, reachable(module))).collect();
    let mut cycles: BTreeSet<Vec<String>> = BTreeSet::new();
    for (module, targets) in &reached {
        if targets.contains(module) {
            let others = targets.iter().filter(|other| reached[*other].contains(module));
            cycles.insert(others.map(|other| tree.name(other)).collect());
        }
    }
    let list: String = cycles.iter().map(|cycle| format!("  {}\n", cycle.join(" ↔ "))).collect();
    assert!(list.is_empty(), "files that use each other:\n{list}");
}

#[test]
fn the_core_does_no_io() {
    let tree = Tree::read();
    let first = ROWS.iter().position(|row| row.contains(&CORE)).unwrap();
    let core = tree.files.values().filter(|file| !file.module.is_empty() && row(&file.module) >= first);
    let found: Vec<String> = core
        .flat_map(|file| {
            let impure = IMPURE.iter().filter(|name| file.mentions(name));
            impure.map(|name| format!("{} names {name}", file.path.display()))
        })
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn one_module_knows_the_embedded_server() {
    let tree = Tree::read();
    let crates = ["pglite_oxide", "virtual_net", "virtual_mio"];
    for file in tree.files.values().filter(|file| file.path != Path::new(EMBEDDED)) {
        for name in crates {
            assert!(!file.mentions(name), "{} names {name}", file.path.display());
        }
    }
}
