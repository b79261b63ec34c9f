//! The asked users: every name is found, not found, ambiguous or failed, and stays so as the objects behind it change.

use super::super::entry::Entry;
use super::lookup::{ATTRIBUTES, Strength, Way};
use super::roster::{Number, Roster};
use super::user::{self, Lens};
use sendgate_core::coverage::reading::{DescriptorReading, FoundUser, UserReading};
use sendgate_core::guid::Guid;
use sendgate_core::names::{DirectoryName, Dn};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

/// What one server answers to each name of the roster.
#[derive(Debug)]
pub(super) struct Answers {
    roster: Arc<Roster>,
    /// The domain's NetBIOS name, where it was shown.
    short: Option<String>,
    /// Every object that answers a name.
    objects: HashMap<Guid, Object>,
    /// For each name the objects that answer it.
    of: Vec<Behind>,
    /// Names that were not found, though the server took an object for an answer.
    stray: BTreeMap<Number, Dn>,
    /// Names whose answer is not what it was.
    touched: Vec<Number>,
    /// While they are wanted: the first answers to names that are answered otherwise by now.
    kept: Option<BTreeMap<Number, UserReading>>,
}

/// An object that answers a name.
#[derive(Debug)]
struct Object {
    what: Result<Arc<FoundUser>, Box<Unusable>>,
    primary_group: u32,
    names: Box<[(Number, Strength)]>,
}

/// An object that was found, but not understood.
#[derive(Debug, PartialEq, Eq)]
struct Unusable {
    dn: Dn,
    why: String,
}

/// The objects that answer one name: mostly one.
#[derive(Debug, Clone, Default)]
enum Behind {
    #[default]
    None,
    One(Guid, Strength),
    Several(Box<[(Guid, Strength)]>),
}

impl Behind {
    fn as_vec(&self) -> Vec<(Guid, Strength)> {
        match self {
            Self::None => Vec::new(),
            Self::One(guid, strength) => vec![(*guid, *strength)],
            Self::Several(all) => all.to_vec(),
        }
    }

    fn of(all: Vec<(Guid, Strength)>) -> Self {
        match all.as_slice() {
            [] => Self::None,
            [(guid, strength)] => Self::One(*guid, *strength),
            _ => Self::Several(all.into()),
        }
    }

    fn add(&mut self, guid: Guid, strength: Strength) {
        if matches!(self, Self::None) {
            *self = Self::One(guid, strength);
            return;
        }
        let mut all = self.as_vec();
        all.push((guid, strength));
        *self = Self::of(all);
    }

    fn remove(&mut self, guid: Guid) {
        let mut all = self.as_vec();
        all.retain(|(other, _)| *other != guid);
        *self = Self::of(all);
    }
}

impl Object {
    fn dn(&self) -> &Dn {
        match &self.what {
            Ok(user) => &user.dn,
            Err(unusable) => &unusable.dn,
        }
    }

    fn same(&self, other: &Self) -> bool {
        let alike = match (&self.what, &other.what) {
            (Ok(one), Ok(other)) => user::same(one, other),
            (Err(one), Err(other)) => one == other,
            _ => false,
        };
        alike && (self.primary_group, &self.names) == (other.primary_group, &other.names)
    }
}

impl Answers {
    /// Nothing has been found yet.
    pub(super) fn new(roster: Arc<Roster>, short: Option<String>) -> Self {
        let of = vec![Behind::None; roster.len()];
        Self { roster, short, objects: HashMap::new(), of, stray: BTreeMap::new(), touched: Vec::new(), kept: None }
    }

    /// How a name is to be looked for.
    pub(super) fn way(&self, number: Number) -> Way {
        self.roster.way(number, self.short.as_deref())
    }

    /// Takes an object as it is now, whatever it was before. False if it answers no name.
    pub(super) fn take(&mut self, entry: &Entry, lens: &mut Lens) -> bool {
        let mut names: BTreeMap<Number, Strength> = BTreeMap::new();
        for attribute in ATTRIBUTES {
            for value in entry.texts(attribute) {
                self.roster.answered(attribute, value, self.short.as_deref(), |number, strength| {
                    let known = names.entry(number).or_insert(strength);
                    *known = (*known).min(strength);
                });
            }
        }
        let guid = user::guid(entry).unwrap_or_else(|_| nameless(&entry.dn));
        if names.is_empty() {
            self.forget(guid);
            return false;
        }
        let (what, primary_group) = match user::user(entry, lens) {
            Ok(read) => (Ok(Arc::new(read.user)), read.primary_group),
            Err(why) => (Err(Box::new(Unusable { dn: Dn::from(entry.dn.as_str()), why })), 0),
        };
        self.put(guid, Object { what, primary_group, names: names.into_iter().collect() });
        true
    }

    fn put(&mut self, guid: Guid, object: Object) {
        if self.objects.get(&guid).is_some_and(|known| known.same(&object)) {
            return;
        }
        self.keep_answers(object.names.iter().map(|(number, _)| *number));
        self.forget(guid);
        for (number, strength) in &object.names {
            if let Some(of) = self.of.get_mut(*number as usize) {
                of.add(guid, *strength);
            }
            self.touched.push(*number);
        }
        self.objects.insert(guid, object);
    }

    /// An object is gone, or answers nothing any more. Nothing happens if it answered nothing.
    pub(super) fn forget(&mut self, guid: Guid) {
        self.keep_answers_of(guid);
        let Some(known) = self.objects.remove(&guid) else { return };
        for (number, _) in &known.names {
            if let Some(of) = self.of.get_mut(*number as usize) {
                of.remove(guid);
            }
            self.touched.push(*number);
        }
    }

    /// An object's descriptor as it is now.
    pub(super) fn descriptor(&mut self, guid: Guid, shown: DescriptorReading) {
        let known = self.objects.get(&guid).and_then(|object| object.what.as_ref().ok());
        if known.is_none_or(|user| super::descriptors::same(&user.descriptor, &shown)) {
            return;
        }
        self.keep_answers_of(guid);
        let Some(Object { what: Ok(user), names, .. }) = self.objects.get_mut(&guid) else { return };
        Arc::make_mut(user).descriptor = shown;
        self.touched.extend(names.iter().map(|(number, _)| *number));
    }

    /// An object is shown without [`user::CHANGED`]: what is known of it may change out of sight from now on, and may have
    /// done so already.
    pub(super) fn unseen(&mut self, guid: Guid) {
        self.keep_answers_of(guid);
        let Some(object) = self.objects.get_mut(&guid).filter(|object| object.what.is_ok()) else { return };
        object.what = Err(Box::new(Unusable { dn: object.dn().clone(), why: user::UNSEEN.to_owned() }));
        self.touched.extend(object.names.iter().map(|(number, _)| *number));
    }

    /// From here on the answers are kept that become other ones, but for who protects somebody: nobody lacks a right by that.
    pub(super) fn keep(&mut self) {
        self.kept = Some(BTreeMap::new());
    }

    /// What was kept. Of answers that named nobody there is nothing to tell.
    pub(super) fn kept(&mut self) -> Vec<(DirectoryName, UserReading)> {
        let kept = self.kept.take().unwrap_or_default().into_iter();
        let found = kept.filter(|(_, answer)| matches!(answer, UserReading::Found(_)));
        found.filter_map(|(number, answer)| Some((self.roster.name(number)?.clone(), answer))).collect()
    }

    fn keep_answers_of(&mut self, guid: Guid) {
        if let (Some(_), Some(object)) = (&self.kept, self.objects.get(&guid)) {
            let numbers: Vec<Number> = object.names.iter().map(|(number, _)| *number).collect();
            self.keep_answers(numbers.into_iter());
        }
    }

    fn keep_answers(&mut self, numbers: impl Iterator<Item = Number>) {
        let Some(mut kept) = self.kept.take() else { return };
        for number in numbers {
            kept.entry(number).or_insert_with(|| self.reading(number));
        }
        self.kept = Some(kept);
    }

    /// The protection of each user, as it has become.
    pub(super) fn protect(&mut self, lens: &mut Lens) {
        for object in self.objects.values_mut() {
            let Ok(user) = &mut object.what else { continue };
            let path = lens.protection.path(&user.dn, &user.sid, object.primary_group);
            if path != user.protected_by {
                Arc::make_mut(user).protected_by = path;
                self.touched.extend(object.names.iter().map(|(number, _)| *number));
            }
        }
    }

    /// Whether an object answers a name.
    pub(super) fn knows(&self, guid: Guid) -> bool {
        self.objects.contains_key(&guid)
    }

    /// The users who answer a name. What was not understood is left out: it may have no number of its own.
    pub(super) fn guids(&self) -> Vec<Guid> {
        self.objects.iter().filter(|(_, object)| object.what.is_ok()).map(|(guid, _)| *guid).collect()
    }

    /// Where the objects are that answer a name.
    pub(super) fn places(&self) -> impl Iterator<Item = &Dn> {
        self.objects.values().map(Object::dn)
    }

    /// Where an object is; nothing for one that answers no name.
    pub(super) fn place(&self, guid: Guid) -> Option<&Dn> {
        self.objects.get(&guid).map(Object::dn)
    }

    /// The objects at or below `top`.
    pub(super) fn within(&self, top: &Dn) -> impl Iterator<Item = Guid> {
        let below = |object: &Object| super::place::within(object.dn().as_str(), top);
        self.objects.iter().filter(move |(_, object)| below(object)).map(|(guid, _)| *guid)
    }

    /// Where these objects are.
    pub(super) fn places_of(&self, guids: &BTreeSet<Guid>) -> impl Iterator<Item = &Dn> {
        guids.iter().filter_map(|guid| self.objects.get(guid)).map(Object::dn)
    }

    /// Objects other than these that answer a name which one of these answers: one of them may be gone.
    pub(super) fn rivals(&self, guids: &BTreeSet<Guid>) -> Vec<(Guid, Dn)> {
        let mut rivals = BTreeMap::new();
        let names = guids.iter().filter_map(|guid| self.objects.get(guid)).flat_map(|object| object.names.iter());
        for (number, _) in names {
            if let Some(Behind::Several(all)) = self.of.get(*number as usize) {
                for (guid, _) in all.iter().filter(|(guid, _)| !guids.contains(guid)) {
                    if let Some(object) = self.objects.get(guid) {
                        rivals.insert(*guid, object.dn().clone());
                    }
                }
            }
        }
        rivals.into_iter().collect()
    }

    /// What a search for some names has left open: `stray` was taken for an answer by the server, so it may be one to
    /// any of those that were not found.
    pub(super) fn open(&mut self, numbers: impl Iterator<Item = Number>, stray: Option<&Dn>) {
        for number in numbers {
            let was = self.stray.remove(&number);
            if let Some(stray) = stray {
                self.stray.insert(number, stray.clone());
            }
            if was.as_ref() != stray {
                self.touched.push(number);
            }
        }
    }

    /// Another roster: what is known of names in both stays. The numbers of the names that are new.
    pub(super) fn change(&mut self, roster: Arc<Roster>) -> Vec<Number> {
        let mut new = Vec::new();
        let mut moved: Vec<Option<Number>> = vec![None; self.of.len()];
        let mut of = vec![Behind::None; roster.len()];
        let mut old = (0..).zip(self.roster.names()).peekable();
        for (number, name) in (0..).zip(roster.names()) {
            while old.next_if(|(_, known)| *known < name).is_some() {}
            match old.next_if(|(_, known)| *known == name) {
                Some((was, _)) => {
                    if let (Some(moved), Some(of), Some(known)) =
                        (moved.get_mut(was), of.get_mut(number), self.of.get_mut(was))
                    {
                        *moved = Number::try_from(number).ok();
                        *of = std::mem::take(known);
                    }
                }
                None => new.extend(Number::try_from(number).ok()),
            }
        }
        let place = |number: Number| moved.get(number as usize).copied().flatten();
        self.objects.retain(|_, object| {
            object.names = object.names.iter().filter_map(|(number, it)| Some((place(*number)?, *it))).collect();
            !object.names.is_empty()
        });
        self.stray =
            std::mem::take(&mut self.stray).into_iter().filter_map(|(number, dn)| Some((place(number)?, dn))).collect();
        self.touched = self.touched.iter().filter_map(|number| place(*number)).collect();
        (self.of, self.roster) = (of, roster);
        self.touched.extend(&new);
        new
    }

    /// What became of a name.
    pub(super) fn reading(&self, number: Number) -> UserReading {
        let answers = self.of.get(number as usize).map_or_else(Vec::new, Behind::as_vec);
        let Some(strongest) = answers.iter().map(|(_, strength)| *strength).min() else {
            return match (self.way(number), self.stray.get(&number)) {
                (Way::Unclear(why), _) => UserReading::Failed(why),
                (Way::Ask(_), Some(stray)) => UserReading::Failed(format!(
                    "the server takes {stray} for an answer to one of the names asked for, but none of its names is one of them"
                )),
                (Way::Elsewhere, _) | (Way::Ask(_), None) => UserReading::NotFound,
            };
        };
        let strong = answers.iter().filter(|(_, strength)| *strength == strongest);
        let objects: Vec<&Object> = strong.filter_map(|(guid, _)| self.objects.get(guid)).collect();
        match objects.as_slice() {
            [] => UserReading::NotFound,
            [Object { what: Ok(user), .. }] => UserReading::Found(Arc::clone(user)),
            [Object { what: Err(unusable), .. }] => UserReading::Failed(format!("{}: {}", unusable.dn, unusable.why)),
            several => {
                let dns: BTreeSet<Dn> = several.iter().map(|object| object.dn().clone()).collect();
                UserReading::Ambiguous(dns.into_iter().collect())
            }
        }
    }

    /// What became of every name. Nothing counts as touched after it.
    pub(super) fn all(&mut self) -> BTreeMap<DirectoryName, UserReading> {
        self.touched = Vec::new();
        (0..).zip(self.roster.names()).map(|(number, name)| (name.clone(), self.reading(number))).collect()
    }

    /// What became of the names that were touched since the last time.
    pub(super) fn touched(&mut self) -> Vec<(DirectoryName, UserReading)> {
        let numbers: BTreeSet<Number> = std::mem::take(&mut self.touched).into_iter().collect();
        let readings =
            numbers.into_iter().filter_map(|number| Some((self.roster.name(number)?.clone(), self.reading(number))));
        readings.collect()
    }
}

/// Stands for an object whose objectGUID is not shown.
pub(super) fn nameless(dn: &str) -> Guid {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, dn.to_lowercase()).hash(&mut hasher);
        hasher.finish()
    };
    Guid::from_bytes((u128::from(half(0)) << 64 | u128::from(half(1))).to_be_bytes())
}

#[cfg(test)]
mod tests;
