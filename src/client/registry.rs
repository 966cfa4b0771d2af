//! The registration of client families: models by name, and the one place that matches on a run's family.

use super::family::{Client, Context, FlowWords, ModelRow, Unusable};
use super::own::OwnFamily;
use super::policy::Policy;
use super::{FAMILIES, workload};
use crate::protocol::{Endpoint, EndpointRow};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;

/// A model of a registered family, or the client of a program's own. Files write its name. The default is the first model
/// of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Model(u8);

/// The row of [`Model::OWN`].
const OWN: ModelRow = ModelRow {
    name: "own",
    about: "The client that `client.sdk` names, of a program that uses the library.",
    takes_max_rounds: false,
    is_contender: false,
    shipped_with: None,
};

/// The row of [`Model::PROFILE`].
const PROFILE: ModelRow = ModelRow {
    name: "profile",
    about: "The token client that a profile of your own describes.",
    takes_max_rounds: false,
    is_contender: true,
    shipped_with: None,
};

impl Model {
    /// A client from outside of the crate: see [`own`](super::own). Its results have the words and the endpoints of the first
    /// family with refresh tokens.
    pub const OWN: Model = Model(u8::MAX);

    /// A token client that a scenario's own file describes. Scenarios name the file.
    pub const PROFILE: Model = Model(u8::MAX - 1);

    /// The models of all families, in the order of the registration. [`Model::OWN`] and [`Model::PROFILE`] are not among
    /// them.
    pub fn all() -> impl Iterator<Item = Model> {
        let count: usize = FAMILIES.iter().map(|family| family.models.len()).sum();
        (0..count).map(|place| Model(place as u8))
    }

    fn with_own() -> impl Iterator<Item = Model> {
        Model::all().chain([Model::OWN])
    }

    /// The names of all models.
    pub fn names() -> &'static [&'static str] {
        static NAMES: LazyLock<Vec<&'static str>> =
            LazyLock::new(|| Model::with_own().map(Model::name).collect());
        &NAMES
    }

    /// The model of this name, as results write it.
    pub fn named(name: &str) -> Option<Model> {
        Model::with_own().chain([Model::PROFILE]).find(|model| model.name() == name)
    }

    /// The model's entry in its family.
    pub fn row(self) -> &'static ModelRow {
        if self == Model::OWN {
            return &OWN;
        }
        if self == Model::PROFILE {
            return &PROFILE;
        }
        let rows = FAMILIES.iter().flat_map(|family| family.models);
        rows.into_iter().nth(self.place()).expect("every model is in the table")
    }

    /// Its name in scenarios and results.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The endpoints that a run of this model may call: those of its family and the one of generic clients.
    pub fn endpoints(self) -> Vec<Endpoint> {
        let named = |row: &EndpointRow| Endpoint::known(row.name);
        self.tables().endpoints.iter().map(named).chain([workload::GENERIC]).collect()
    }

    /// The names of its family's flow.
    pub fn flow(self) -> &'static FlowWords {
        &self.tables().flow
    }

    /// The index of its family among [`FAMILIES`].
    pub(crate) fn family(self) -> usize {
        let mut first = 0;
        let family = FAMILIES.iter().position(|family| {
            if self == Model::OWN || self == Model::PROFILE {
                return family.refresh_tokens;
            }
            first += family.models.len();
            self.place() < first
        });
        family.expect("every model is in the table")
    }

    /// What a scenario may say that the model cannot use.
    pub fn unusable(self) -> &'static [Unusable] {
        self.tables().unusable
    }

    fn tables(self) -> &'static FamilyTables {
        &FAMILIES[self.family()]
    }

    /// Its index among the models of all families. A profile of a scenario's own has that of its family's first model,
    /// whose setup takes the profile.
    pub(super) fn place(self) -> usize {
        match self == Model::PROFILE {
            true => FAMILIES[..self.family()].iter().map(|family| family.models.len()).sum(),
            false => usize::from(self.0),
        }
    }
}

/// What a scenario names as its client: a model, or a file with a profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelName {
    model: Model,
    /// The path; only for [`Model::PROFILE`].
    file: Option<String>,
}

impl ModelName {
    /// The model.
    pub fn model(&self) -> Model {
        self.model
    }

    /// The path of the profile, if the name is one.
    pub fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// The name without its path, which says nothing about a run.
    pub(crate) fn without_path(&self) -> ModelName {
        ModelName { model: self.model, file: self.file.as_ref().map(|_| String::new()) }
    }
}

impl From<Model> for ModelName {
    fn from(model: Model) -> ModelName {
        ModelName { model, file: None }
    }
}

impl Serialize for ModelName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.file().unwrap_or(self.model.name()))
    }
}

impl<'de> Deserialize<'de> for ModelName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ModelName, D::Error> {
        let name = String::deserialize(deserializer)?;
        if name.ends_with(".toml") {
            return Ok(ModelName { model: Model::PROFILE, file: Some(name) });
        }
        let model = Model::with_own().find(|model| model.name() == name);
        model.map(ModelName::from).ok_or_else(|| de::Error::unknown_variant(&name, Model::names()))
    }
}

/// The tables of a registered family.
pub struct FamilyTables {
    /// [`Client::MODELS`].
    pub models: &'static [ModelRow],
    /// [`Client::ENDPOINTS`].
    pub endpoints: &'static [EndpointRow],
    /// [`Client::FLOW`].
    pub flow: FlowWords,
    /// [`Client::REFRESH_TOKENS`].
    pub refresh_tokens: bool,
    /// [`Client::UNUSABLE`].
    pub unusable: &'static [Unusable],
}

/// The number of endpoints of all families.
pub(super) const fn count(families: &[FamilyTables]) -> usize {
    let (mut count, mut family) = (0, 0);
    while family < families.len() {
        count += families[family].endpoints.len();
        family += 1;
    }
    count
}

/// Joins the endpoints of all families and one more.
pub(super) const fn join<const N: usize>(families: &[FamilyTables], last: EndpointRow) -> [EndpointRow; N] {
    let mut all = [last; N];
    let (mut place, mut family) = (0, 0);
    while family < families.len() {
        let mut row = 0;
        while row < families[family].endpoints.len() {
            all[place] = families[family].endpoints[row];
            place += 1;
            row += 1;
        }
        family += 1;
    }
    all
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl JsonSchema for ModelName {
    fn schema_name() -> Cow<'static, str> {
        "ClientModel".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let word = |model: Model| {
            let ModelRow { name, about, .. } = model.row();
            serde_json::json!({ "description": about, "type": "string", "const": name })
        };
        let path = serde_json::json!({
            "description": "A path, relative to the scenario's directory and inside it, of a client profile of your own: \
                            `authstorm new-client` writes one. `policies` names that client, as it is, by its `sdk.name`.",
            "type": "string",
            "pattern": "\\.toml$",
            "x-path": "./my-sdk.toml"
        });
        let words: Vec<serde_json::Value> = Model::with_own().map(word).chain([path]).collect();
        json_schema!({ "description": "A client that is documented or measured.", "oneOf": words })
    }
}

/// The compiled client family of a contender's runs.
#[derive(Clone, Debug)]
pub struct Prepared<C: Client> {
    /// Data shared by all pages of an arm, by arm.
    pub setups: Vec<C::Setup>,
    /// The compiled policies, by arm.
    pub rules: Vec<C::Rules>,
}

/// An arm of a contender: users of one cohort who follow one policy.
pub struct ArmSpec<'a> {
    /// The client of its users.
    pub model: Model,
    /// What the family needs to know of the scenario.
    pub context: Context<'a>,
    /// The policy.
    pub policy: &'a Policy,
}

impl<C: Client> Prepared<C> {
    /// Compiles the arms of a contender. The index of an arm's model counts from `first` among the models of all families.
    pub(crate) fn new(arms: &[ArmSpec<'_>], first: usize, codes: &[String]) -> Self {
        let setup = |arm: &ArmSpec<'_>| C::setup(arm.model.place() - first, &arm.context);
        let setups: Vec<C::Setup> = arms.iter().map(setup).collect();
        let rules = setups.iter().zip(arms).map(|(setup, arm)| C::rules(setup, arm.policy, codes)).collect();
        Prepared { setups, rules }
    }

    /// Compiles the arms of a contender for the first model of a family that is not registered.
    pub(crate) fn of_first(arms: &[ArmSpec<'_>], codes: &[String]) -> Self {
        let setups: Vec<C::Setup> = arms.iter().map(|arm| C::setup(0, &arm.context)).collect();
        let rules = setups.iter().zip(arms).map(|(setup, arm)| C::rules(setup, arm.policy, codes)).collect();
        Prepared { setups, rules }
    }
}

/// An operation that works with any family.
pub trait ForFamily {
    /// Its result.
    type Output;

    /// Applies the operation to this family.
    fn with<C: Client>(self, client: &Prepared<C>) -> Self::Output;

    /// Applies the operation to a family from outside of the crate.
    fn with_own(self, client: &dyn OwnFamily) -> Self::Output;
}

/// Registers families: for each a field, a name and the type that implements [`Client`].
macro_rules! families {
    ($($field:ident: $family:ident = $client:ty;)*) => {
        mixed::mixed! { $($field: $family = $client;)* }

        /// The tables of each family, in the order of the registration.
        pub(crate) const FAMILIES: &[registry::FamilyTables] = &[$(registry::FamilyTables {
            models: <$client as Client>::MODELS,
            endpoints: <$client as Client>::ENDPOINTS,
            flow: <$client as Client>::FLOW,
            refresh_tokens: <$client as Client>::REFRESH_TOKENS,
            unusable: <$client as Client>::UNUSABLE,
        }),*];

        /// The endpoints of all families, then that of generic clients.
        pub const ENDPOINTS: [EndpointRow; registry::count(FAMILIES) + 1] =
            registry::join(FAMILIES, workload::ENDPOINT);

        /// The compiled family of a contender's runs.
        #[derive(Clone, Debug)]
        pub enum AnyClient {
            $(
                #[doc = concat!("[`", stringify!($client), "`].")]
                $family(Prepared<$client>),
            )*
            /// Several families beside each other.
            Mixed(Prepared<mixed_family::Mixed>),
            /// A family from outside of the crate.
            Own(std::sync::Arc<dyn own::OwnFamily>),
        }

        impl AnyClient {
            /// Compiles the arms of a contender. `codes` are the scenario's error codes. Arms of one family get the world of
            /// that family, whatever other contenders have.
            ///
            /// # Panics
            /// For [`Model::OWN`], whose code the scenario has.
            pub fn new(arms: &[ArmSpec<'_>], codes: &[String]) -> AnyClient {
                let families: Families = arms.iter().map(|arm| arm.model).collect();
                if families.are_several() {
                    return AnyClient::Mixed(Prepared::new(arms, 0, codes));
                }
                let mut first = 0;
                $(
                    if families.contain(Families::one(mixed_family::place::$field)) {
                        return AnyClient::$family(Prepared::new(arms, first, codes));
                    }
                    first += <$client as Client>::MODELS.len();
                )*
                unreachable!("{families:?} are some of the families of {first} models");
            }

            /// Applies an operation to the family. This is the only place that matches on a run's family.
            pub fn with<F: ForFamily>(&self, action: F) -> F::Output {
                match self {
                    $(AnyClient::$family(client) => action.with(client),)*
                    AnyClient::Mixed(client) => action.with(client),
                    AnyClient::Own(client) => action.with_own(&**client),
                }
            }
        }
    };
}
pub(super) use families;
