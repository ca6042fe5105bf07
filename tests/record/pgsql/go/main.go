// The client of the recordings that uses pgx: says, a JSON line each, what it asked and got.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

type row struct {
	Port       int       `json:"port"`
	Command    string    `json:"command,omitempty"`
	Query      string    `json:"query"`
	Params     []*string `json:"params,omitempty"`
	Rows       *int      `json:"rows,omitempty"`
	First      []string  `json:"first,omitempty"`
	Tag        string    `json:"tag,omitempty"`
	Code       string    `json:"code,omitempty"`
	Message    string    `json:"message,omitempty"`
	Detail     string    `json:"detail,omitempty"`
	Hint       string    `json:"hint,omitempty"`
	Table      string    `json:"table,omitempty"`
	Constraint string    `json:"constraint,omitempty"`
	Skipped    bool      `json:"skipped,omitempty"`
	CopyBytes  *int      `json:"copy_bytes,omitempty"`
	SentAt     int64     `json:"sent_at"`
	DoneAt     int64     `json:"done_at"`
}

var (
	all  = context.Background()
	conn *pgx.Conn
	port int
	id   = 600
)

func begin(query string, params []any) row {
	r := row{Port: port, Query: query, SentAt: time.Now().UnixNano()}
	for _, p := range params {
		var text *string
		switch p.(type) {
		case nil:
			null := "NULL"
			text = &null
		case string, int, int64:
			said := fmt.Sprint(p)
			text = &said
		}
		r.Params = append(r.Params, text)
	}
	return r
}

func (r row) say(tag string, err error) {
	r.DoneAt = time.Now().UnixNano()
	var failed *pgconn.PgError
	if errors.As(err, &failed) {
		r.Rows, r.First = nil, nil
		r.Code, r.Message, r.Detail, r.Hint = failed.Code, failed.Message, failed.Detail, failed.Hint
		r.Table, r.Constraint = failed.TableName, failed.ConstraintName
	} else {
		r.Tag = tag
	}
	json.NewEncoder(os.Stdout).Encode(r)
}

func read(rows pgx.Rows, r *row) (string, error) {
	r.Rows = new(int)
	for rows.Next() {
		if *r.Rows == 0 {
			values, _ := rows.Values()
			for _, v := range values {
				switch v.(type) {
				case string, int32, int64:
					r.First = append(r.First, fmt.Sprint(v))
				default:
					r.First = append(r.First, "?")
				}
			}
		}
		*r.Rows++
	}
	rows.Close()
	return rows.CommandTag().String(), rows.Err()
}

func ask(query string, params ...any) {
	id++
	for i := range params {
		if params[i] == "ID" {
			params[i] = fmt.Sprintf("id-%d", id)
		}
	}
	r := begin(query, params)
	rows, err := conn.Query(all, query, params...)
	tag := ""
	if err == nil {
		tag, err = read(rows, &r)
	}
	r.say(tag, err)
}

func do(query string, params ...any) {
	r := begin(query, params)
	tag, err := conn.Exec(all, query, params...)
	r.say(tag.String(), err)
}

// Pipelined: one Sync behind all of them. After an error the others are skipped.
func batch(broken int) {
	const query = "select $1::text, 100 / $2::int"
	var rows []row
	b := &pgx.Batch{}
	for i := 0; i < 8; i++ {
		id++
		by := i + 1
		if i == broken {
			by = 0
		}
		params := []any{fmt.Sprintf("id-%d", id), by}
		b.Queue(query, params...)
		rows = append(rows, begin(query, params))
	}
	results := conn.SendBatch(all, b)
	for i := range rows {
		if broken >= 0 && i > broken {
			rows[i].Skipped = true
			rows[i].say("", nil)
			continue
		}
		found, err := results.Query()
		tag := ""
		if err == nil {
			tag, err = read(found, &rows[i])
		}
		rows[i].say(tag, err)
	}
	results.Close()
}

func open(mode pgx.QueryExecMode) {
	config, _ := pgx.ParseConfig("host=127.0.0.1 user=trusty dbname=shop sslmode=disable")
	config.DefaultQueryExecMode = mode
	var err error
	conn, err = pgx.ConnectConfig(all, config)
	if err != nil {
		panic(err)
	}
	port = conn.PgConn().Conn().LocalAddr().(*net.TCPAddr).Port
}

func main() {
	for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeDescribeExec,
		pgx.QueryExecModeExec} {
		open(mode)
		for i := 0; i < 3; i++ {
			ask("select $1::text, name, $3::float8 from item where id < $2", "ID", 3+i, 0.5)
		}
		ask("select $1::text, $2::text", "ID", nil)
		ask("select $1::text, 1 / $2::int", "ID", 0)
		ask("select 1 from nowhere")
		do("insert into item values ($1, $2)", 5, "five")
		do("update item set name = name where id < $1", 9)
		do("begin")
		do("rollback")
		batch(-1)
		batch(4)
		conn.Close(all)
	}
	open(pgx.QueryExecModeSimpleProtocol)
	ask("select 'id-699', 17")
	ask("select 'id-698', i from generate_series(1, 100) i")
	r := begin(`copy "item" ( "id", "name" ) from stdin binary;`, nil)
	n, err := conn.CopyFrom(all, pgx.Identifier{"item"}, []string{"id", "name"}, pgx.CopyFromRows([][]any{
		{9100, "a"}, {9101, "bb"}, {9102, nil}}))
	r.say(fmt.Sprintf("COPY %d", n), err)
	do("delete from item where id >= 9000")
	conn.Close(all)
}
