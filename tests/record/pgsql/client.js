// The client of the recordings that uses postgres.js, which sends questions before it has the answers to earlier
// ones, and node-postgres, which waits: says, a JSON line each, what it asked and got.
const postgres = require('postgres')
const pg = require('pg')

let id = 1000

function say(row, result, error) {
	row.done_at = (Date.now() + 1) * 1e6 // at the latest
	if (error) {
		row.code = error.code
		row.message = error.message
		if (error.detail) row.detail = error.detail
		if (error.table_name || error.table) row.table = error.table_name || error.table
		if (error.constraint_name || error.constraint) row.constraint = error.constraint_name || error.constraint
	} else if (result.command && ['SELECT', 'FETCH'].includes(result.command)) {
		row.rows = result.length ?? result.rowCount
	} else {
		row.affected = result.count ?? result.rowCount
	}
	console.log(JSON.stringify(row))
}

async function ask(port, query, params, run) {
	const row = { port, query, params: params && params.map(String), sent_at: Date.now() * 1e6 }
	if (!params) delete row.params
	try {
		say(row, await run())
	} catch (error) {
		say(row, null, error)
	}
}

async function main() {
	const sql = postgres({ host: '127.0.0.1', port: 5432, user: 'trusty', database: 'shop', max: 1, ssl: false, fetch_types: false })
	const row = { query: 'select inet_client_port() as port', sent_at: Date.now() * 1e6 }
	const port = (await sql`select inet_client_port() as port`)[0].port
	say({ ...row, port }, { command: 'SELECT', length: 1 })
	const both = (query, params) => ask(port, query, params, () => sql.unsafe(query, params))
	const prepared = (query, params) => ask(port, query, params, () => sql.unsafe(query, params, { prepare: true }))
	// Under way at once.
	await Promise.all(Array.from({ length: 12 }, () => prepared('select $1::text, 100 / $2::int', [`id-${++id}`, id % 7])))
	await Promise.all(Array.from({ length: 5 }, () => both(`select 'id-${++id}', ${id}`)))
	await both("insert into item values ($1, $2)", [5, `id-${++id}`])
	await both('select * from nowhere')
	await both('update item set name = name where id < $1', [7])
	await sql.end()

	const db = new pg.Client({ host: '127.0.0.1', user: 'trusty', database: 'shop' })
	await db.connect()
	const mine = db.connection.stream.localPort
	const query = (text, values, name) => ask(mine, text, values, () => db.query({ text, values, name }))
	for (let i = 0; i < 3; i++) await query('select $1::text, name from item where id < $2', [`id-${++id}`, 3 + i], 'kept')
	await Promise.all(Array.from({ length: 4 }, () => query(`select 'id-${++id}', 1`)))
	await query('select 1 / $1::int', [0])
	await query("insert into item values (6, 'six')")
	await db.end()
}

main()
