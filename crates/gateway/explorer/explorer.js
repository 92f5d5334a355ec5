// Reads /openapi.json, shows each operation, and sends requests to the shop that served this page. What is shown is always
// made as text: nothing that an answer holds can become part of the page.
'use strict';

const state = { api: null, operations: [], token: '' };
const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
const at = (id) => document.getElementById(id);

/** make('a', { href: '#' }, 'text', element, …) */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, '');
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child != null && child !== false));
  return element;
}

/** The little Markdown that descriptions use: paragraphs, lists, `code`, **strong**. */
function prose(text) {
  return (text || '').split(/\n\s*\n/).filter(Boolean).map((block) => {
    const lines = block.split('\n');
    if (lines.every((line) => line.startsWith('* '))) {
      return make('ul', {}, lines.map((line) => make('li', {}, inline(line.slice(2)))));
    }
    return make('p', {}, inline(block));
  });
}

function inline(text) {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((piece) => {
    if (piece.startsWith('`') && piece.length > 2) return make('code', {}, piece.slice(1, -1));
    if (piece.startsWith('**')) return make('strong', {}, piece.slice(2, -2));
    return piece;
  });
}

/** What a reference stands for, with what is said beside it. */
function resolve(value) {
  if (!value || !value.$ref) return value || {};
  const target = value.$ref.slice(2).split('/').reduce((found, name) => found?.[name], state.api) || {};
  const { $ref, ...beside } = value;
  return { ...target, ...beside, name_: value.$ref.split('/').pop() };
}

// ---- schemas

function words(schema) {
  const found = resolve(schema);
  if (found.const !== undefined) return JSON.stringify(found.const);
  if (found.oneOf || found.anyOf) {
    return (found.oneOf || found.anyOf).map(words).join(' or ');
  }
  let kind = [].concat(found.type || (found.allOf ? 'object' : 'any')).join(' or ');
  if (kind.startsWith('array')) kind = `${words(found.items)}[]`;
  else if (found.name_ && !found.enum) kind = found.name_;
  const rules = [];
  if (found.format) rules.push(found.format);
  const from = found.minimum ?? found.minLength ?? found.minItems;
  const to = found.maximum ?? found.maxLength ?? found.maxItems ?? found.maxProperties;
  if (from != null || to != null) rules.push(`${from ?? ''}…${to ?? ''}`);
  if (found.default !== undefined) rules.push(`default ${JSON.stringify(found.default)}`);
  return rules.length ? `${kind} (${rules.join(', ')})` : kind;
}

/** The members of an object, those of its parts among them. */
function membersOf(schema) {
  const found = resolve(schema);
  const parts = (found.allOf || []).map(membersOf);
  return {
    properties: Object.assign({}, ...parts.map((part) => part.properties), found.properties),
    required: [...parts.flatMap((part) => part.required), ...(found.required || [])],
  };
}

/** The object that a value is, or is a list of, if any. */
function inner(schema) {
  const found = resolve(schema);
  const choice = (found.oneOf || []).map(resolve).find((other) => other.properties || other.allOf);
  if (choice) return choice;
  if (found.items) return inner(found.items);
  return found.properties || found.allOf ? found : null;
}

function fields(schema, depth = 0) {
  const { properties, required } = membersOf(schema);
  return make('ul', { class: 'fields' }, Object.entries(properties).map(([name, property]) => {
    const found = resolve(property);
    const head = [
      make('code', {}, name), required.includes(name) ? make('span', { class: 'needed' }, ' needed') : '',
      make('span', { class: 'soft' }, ` ${words(property)}`),
    ];
    const choices = (found.enum || found.items && resolve(found.items).enum || []);
    const text = [found.description ? ['. ', inline(found.description)] : '',
      choices.length ? [' One of ', inline(choices.slice(0, 12).map((choice) => `\`${choice}\``).join(', ')), choices.length > 12 ? ', …' : '.'] : ''].flat(2);
    const below = depth < 5 && inner(property);
    if (!below) return make('li', {}, head, text);
    const details = make('details', {}, make('summary', {}, head, text));
    details.addEventListener('toggle', () => {
      if (details.open && details.children.length === 1) details.append(fields(below, depth + 1));
    });
    return make('li', {}, details);
  }));
}

function schemaView(schema) {
  const below = inner(schema);
  return [make('p', { class: 'soft' }, words(schema)), ...prose(below && resolve(schema).description), below ? fields(below) : ''];
}

// ---- the list

function list() {
  const wanted = at('filter').value.trim().toLowerCase();
  const shown = state.operations.filter(({ method, path, operation }) =>
    `${method} ${path} ${operation.summary} ${operation.operationId}`.toLowerCase().includes(wanted));
  const here = location.hash.slice(1);
  at('operations').replaceChildren(...state.api.tags.flatMap((tag) => {
    const of = shown.filter(({ operation }) => operation.tags.includes(tag.name));
    if (!of.length) return [];
    return [make('h2', { title: tag.description }, tag.name), ...of.map(({ method, path, operation }) =>
      make('a', { href: `#${operation.operationId}`, title: path, class: operation.operationId === here && 'here' },
        make('span', { class: `method ${method}` }, method), operation.summary))];
  }));
}

// ---- one operation

function row(parameter) {
  const found = resolve(parameter);
  const schema = resolve(found.schema);
  const choices = found.in === 'query' && (schema.enum || (schema.type === 'boolean' && ['true', 'false']));
  const attributes = { 'data-in': found.in, 'data-name': found.name, 'aria-label': found.name, autocomplete: 'off' };
  const input = choices && choices.length < 20
    ? make('select', attributes, make('option', { value: '' }, ''), choices.map((choice) => make('option', {}, choice)))
    : make('input', attributes);
  if (found.name === 'Idempotency-Key') input.value = crypto.randomUUID ? crypto.randomUUID() : String(Math.random()).slice(2);
  return make('tr', {},
    make('td', {}, make('code', {}, found.name), found.required ? make('span', { class: 'needed' }, ' needed') : ''),
    make('td', {}, input),
    make('td', {}, make('span', { class: 'soft' }, `${found.in}, ${words(found.schema)}`), prose(found.description)));
}

function show() {
  const id = decodeURIComponent(location.hash.slice(1));
  const entry = state.operations.find(({ operation }) => operation.operationId === id);
  list();
  if (!entry) return welcome();
  const { method, path, operation } = entry;
  const body = operation.requestBody;
  const contents = Object.entries(body?.content || {});
  const [media, content] = contents.find(([, { example }]) => example !== undefined) || contents[0] || [];
  const example = content?.example;
  const textarea = body && make('textarea', { spellcheck: 'false', 'aria-label': 'body' });
  if (textarea && example !== undefined) textarea.value = typeof example === 'string' ? example : JSON.stringify(example, null, 2);
  if (textarea) textarea.rows = Math.min(textarea.value.split('\n').length + 1, 24);
  const outcome = make('div', { 'aria-live': 'polite' });
  const send = make('button', { type: 'button' }, 'Send');
  send.addEventListener('click', () => call(entry, textarea, media, outcome));
  document.title = `${operation.summary} · API explorer`;
  at('main').replaceChildren(
    make('h2', {}, operation.summary),
    make('p', { class: 'path' }, make('span', { class: `method ${method}` }, `${method} `), ` ${path}`),
    ...prose(operation.description),
    ...(operation.parameters.length ? [make('h3', {}, 'Parameters'), make('table', { class: 'parameters' }, make('tbody', {}, operation.parameters.map(row)))] : []),
    ...(body ? [make('h3', {}, 'Body'), make('p', { class: 'soft' }, media), ...prose(body.description), textarea,
      make('details', {}, make('summary', {}, 'Its fields'), schemaView(content.schema))] : []),
    make('div', { class: 'send' }, send, make('span', { class: 'soft' }, state.token ? 'with the token above' : 'as nobody')),
    outcome,
    make('h3', {}, 'Answers'),
    make('table', {}, make('tbody', {}, Object.entries(operation.responses).map(([status, response]) => answer(status, resolve(response))))));
  at('main').scrollTop = 0;
}

function answer(status, response) {
  const schema = Object.values(response.content || {})[0]?.schema;
  const headers = Object.keys(response.headers || {}).filter((name) => !/^(RateLimit|X-Request)/.test(name));
  const details = schema && inner(schema) && status < '300' ? make('details', {}, make('summary', {}, words(schema)), fields(inner(schema))) : '';
  return make('tr', {}, make('td', { class: status < '400' ? 'good' : 'bad' }, status),
    make('td', {}, prose(response.description), headers.length ? make('p', { class: 'soft' }, `Headers: ${headers.join(', ')}`) : '', details));
}

async function call({ method, path }, textarea, media, outcome) {
  const headers = {};
  const query = new URLSearchParams();
  let target = path;
  for (const input of at('main').querySelectorAll('[data-in]')) {
    const { in: place, name } = input.dataset;
    const value = input.value.trim();
    if (place === 'path') target = target.replace(`{${name}}`, encodeURIComponent(value));
    else if (value && place === 'query') query.append(name, value);
    else if (value) headers[name] = value;
  }
  if (query.size) target += `?${query}`;
  if (state.token) headers.Authorization = `Bearer ${state.token}`;
  const body = textarea && textarea.value.trim() ? textarea.value : undefined;
  if (body) headers['Content-Type'] = media;
  const begun = performance.now();
  try {
    const response = await fetch(target, { method: method.toUpperCase(), headers, body, cache: 'no-store' });
    const text = await response.text();
    const elapsed = Math.round(performance.now() - begun);
    const shown = [...response.headers].map(([name, value]) => `${name}: ${value}`).join('\n');
    outcome.replaceChildren(
      make('p', {}, make('span', { class: `status ${response.ok ? 'good' : 'bad'}` }, `${response.status} ${response.statusText}`), ` in ${elapsed} ms`),
      make('pre', { id: 'answer' }, pretty(text)),
      make('details', {}, make('summary', {}, 'Headers'), make('pre', {}, shown)));
  } catch (cause) {
    outcome.replaceChildren(make('p', { class: 'bad' }, `No answer: ${cause.message}`));
  }
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function welcome() {
  document.title = 'API explorer';
  at('main').replaceChildren(make('h2', {}, state.api.info.title), make('p', { class: 'soft' }, `Version ${state.api.info.version}. The description: `, make('a', { href: '/openapi.json' }, '/openapi.json')),
    ...prose(state.api.info.description),
    make('table', {}, make('tbody', {}, state.api.tags.map((tag) => make('tr', {}, make('th', {}, tag.name), make('td', {}, tag.description))))));
}

// ---- who is calling; the token stays in this page and is gone with it

function bear(token, who) {
  state.token = token;
  at('who').textContent = who;
  const said = document.querySelector('.send .soft');
  if (said) said.textContent = token ? 'with the token above' : 'as nobody';
}

at('log-in').addEventListener('submit', async (event) => {
  event.preventDefault();
  const form = event.target;
  const body = JSON.stringify({ email: form.email.value, password: form.password.value });
  try {
    const response = await fetch('/auth/login', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
    const answered = await response.json();
    if (response.ok) bear(answered.accessToken, `${form.email.value} (${answered.customerId})`);
    else bear('', answered.detail);
  } catch (cause) {
    bear('', `No answer: ${cause.message}`);
  }
  form.password.value = '';
});
at('bearer').addEventListener('submit', (event) => event.preventDefault());
at('bearer').token.addEventListener('input', (event) => bear(event.target.value.trim(), event.target.value.trim() ? 'a token' : 'nobody'));
at('filter').addEventListener('input', list);
addEventListener('hashchange', () => {
  show();
  at('main').focus();
});

(async () => {
  try {
    state.api = await (await fetch('/openapi.json')).json();
    state.operations = Object.entries(state.api.paths).flatMap(([path, methods]) =>
      METHODS.filter((method) => methods[method]).map((method) => ({ method, path, operation: methods[method] })));
    show();
  } catch (cause) {
    at('main').replaceChildren(make('p', { class: 'bad' }, `The description cannot be read: ${cause.message}`));
  }
})();
