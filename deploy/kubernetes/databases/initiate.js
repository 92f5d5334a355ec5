// Makes the members one replica set and gives each service a user of its own. `mongosh --nodb initiate.js`, on the
// first member's loopback, from which alone the very first user may be made. Can be repeated; passwords are renewed.
const environment = (name) => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
};
const members = environment("MONGO_MEMBERS").split(",");
const rootPassword = environment("MONGO_ROOT_PASSWORD");
const owned = {
  "order-service": ["oms_orders", environment("MONGO_ORDER_PASSWORD")],
  "customer-service": ["oms_customers", environment("MONGO_CUSTOMER_PASSWORD")],
  "product-service": ["oms_products", environment("MONGO_PRODUCT_PASSWORD")],
};
const operatorPassword = environment("MONGO_OPERATOR_PASSWORD");
const direct = (host, login = "") =>
  new Mongo(`mongodb://${login}${host}/?directConnection=true&serverSelectionTimeoutMS=2000`).getDB("admin");

function patiently(what, seconds, attempt) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    try {
      // mongosh waits for an answer where it is stored, not where it is returned.
      const answer = attempt();
      return answer;
    } catch (error) {
      if (Date.now() > end) throw new Error(`${what}: ${error.message}`);
      sleep(500);
    }
  }
}

function initiate(here) {
  try {
    here.runCommand({
      replSetInitiate: {
        _id: "rs0",
        members: members.map((host, index) => ({ _id: index, host, priority: index === 0 ? 2 : 1 })),
        // A killed primary then costs seconds and not twelve.
        settings: { electionTimeoutMillis: 2000 },
      },
    });
  } catch (error) {
    if (error.codeName !== "AlreadyInitialized") throw error;
  }
  patiently("no primary", 90, () => {
    if (!here.hello().isWritablePrimary) throw new Error("the first member is not the primary");
  });
}

function keepUser(admin, user, pwd, roles) {
  if (admin.getUser(user)) admin.updateUser(user, { pwd, roles });
  else admin.createUser({ user, pwd, roles });
}

for (const host of members) {
  patiently(`${host} does not answer`, 90, () => direct(host).hello());
}
const login = `root:${encodeURIComponent(rootPassword)}@`;
const known = (() => {
  try {
    const status = direct("127.0.0.1:27017", login).runCommand({ connectionStatus: 1 });
    return status.ok === 1;
  } catch {
    return false;
  }
})();
if (!known) {
  const here = direct("127.0.0.1:27017");
  initiate(here);
  patiently("the first user", 30, () =>
    here.createUser({ user: "root", pwd: rootPassword, roles: ["root"] }),
  );
}
patiently("the other users", 60, () => {
  const admin = new Mongo(`mongodb://${login}${members.join(",")}/?replicaSet=rs0&authSource=admin`).getDB("admin");
  const rights = (db) => ["readWrite", "dbAdmin"].map((role) => ({ role, db }));
  for (const [user, [db, pwd]] of Object.entries(owned)) keepUser(admin, user, pwd, rights(db));
  const everywhere = Object.values(owned).flatMap(([db]) => rights(db));
  // Audits, backs up, restores and looks at the replica set's state.
  keepUser(admin, "operator", operatorPassword, [...everywhere, { role: "clusterMonitor", db: "admin" }]);
});
print(`The replica set rs0 of ${members.join(", ")} is ready.`);
