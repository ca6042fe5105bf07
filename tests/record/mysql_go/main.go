// The client of the recordings that uses Go's driver: says, a JSON line each, what it asked and got.
package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/go-sql-driver/mysql"
)

type row struct {
	Query    string `json:"query"`
	Params   []any  `json:"params,omitempty"`
	Rows     *int   `json:"rows,omitempty"`
	Affected *int64 `json:"affected,omitempty"`
	Code     uint16 `json:"code,omitempty"`
	SentAt   int64  `json:"sent_at"`
	DoneAt   int64  `json:"done_at"`
}

type querier interface {
	Query(query string, args ...any) (*sql.Rows, error)
	Exec(query string, args ...any) (sql.Result, error)
}

func say(r row, err error) {
	r.DoneAt = time.Now().UnixNano()
	if failed, ok := err.(*mysql.MySQLError); ok {
		r.Code, r.Rows, r.Affected = failed.Number, nil, nil
	}
	json.NewEncoder(os.Stdout).Encode(r)
}

func ask(on querier, query string, args ...any) {
	r := row{Query: query, Params: args, SentAt: time.Now().UnixNano(), Rows: new(int)}
	rows, err := on.Query(query, args...)
	if err == nil {
		for rows.Next() {
			*r.Rows++
		}
		err = rows.Err()
		rows.Close()
	}
	say(r, err)
}

func do(on querier, query string, args ...any) {
	r := row{Query: query, Params: args, SentAt: time.Now().UnixNano()}
	result, err := on.Exec(query, args...)
	if err == nil {
		n, _ := result.RowsAffected()
		r.Affected = &n
	}
	say(r, err)
}

func main() {
	db, err := sql.Open("mysql", "shop:t0psecret@tcp(127.0.0.1:3306)/shop")
	if err != nil {
		panic(err)
	}
	db.SetMaxOpenConns(1)
	for i := 200; i < 204; i++ {
		ask(db, "select ? as id, name from item where id > ?", fmt.Sprintf("id-%d", i), i-200)
	}
	ask(db, "select 'id-210'")
	do(db, "insert into line values (?, ?, ?)", 9000, -5, nil)
	do(db, "insert into line values (?, ?, ?)", 9000, -5, 7)
	ask(db, "select 'id-211', ? from nowhere", 1)
	tx, _ := db.Begin()
	do(tx, "update line set n = ? where id = ?", 1<<20, 9000)
	ask(tx, "select 'id-212', n, ?, ? from line where id = 9000", 1.25, time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC).Format("2006-01-02 15:04:05.000006"))
	tx.Commit()
	db.Close()
}
