// The client of the recordings that uses go-redis: says, a JSON line each, what it asked and got.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

var port int

func shown(value any) string {
	switch v := value.(type) {
	case nil:
		return "nil"
	case []any:
		parts := []string{}
		for _, one := range v {
			parts = append(parts, shown(one))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[any]any:
		for key, one := range v { // maps of one pair only: Go does not keep their order
			return "{" + shown(key) + ": " + shown(one) + "}"
		}
		return "{}"
	default:
		return fmt.Sprint(v)
	}
}

func say(words []any, answer any, err error, sentAt time.Time) {
	text := []string{}
	for _, word := range words {
		text = append(text, fmt.Sprint(word))
	}
	failed := err != nil && err != redis.Nil
	if failed {
		answer = err
	}
	json.NewEncoder(os.Stdout).Encode(map[string]any{
		"port": port, "server_port": 6379, "query": strings.Join(text, " "), "answer": shown(answer), "error": failed,
		"sent_at": sentAt.UnixNano(), "done_at": time.Now().UnixNano(),
	})
}

// An answer as it came: go-redis knows the types of some commands better than the wire does.
func pipe(ctx context.Context, p redis.Pipeliner, transaction bool, commands [][]any) {
	asked := []*redis.Cmd{}
	for _, words := range commands {
		asked = append(asked, p.Do(ctx, words...))
	}
	at := time.Now()
	p.Exec(ctx)
	if transaction {
		say([]any{"multi"}, "OK", nil, at)
	}
	for i, one := range asked {
		answer, err := one.Result()
		say(commands[i], answer, err, at)
	}
	if transaction {
		say([]any{"exec"}, fmt.Sprint(len(commands), " results"), nil, at)
	}
}

func main() {
	ctx := context.Background()
	client := redis.NewClient(&redis.Options{
		Addr: "127.0.0.1:6379", PoolSize: 1, DisableIndentity: true,
		Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := net.Dial(network, addr)
			if err == nil {
				port = conn.LocalAddr().(*net.TCPAddr).Port
			}
			return conn, err
		},
	})
	ask := func(words ...any) {
		at := time.Now()
		answer, err := client.Do(ctx, words...).Result()
		say(words, answer, err, at)
	}
	for i := 1; i <= 6; i++ {
		id := fmt.Sprint("id-", i)
		ask("set", id, id, "ex", 100)
		ask("get", id)
		ask("hset", "hash:"+id, "name", id)
		ask("hgetall", "hash:"+id)
		ask("incr", id)
	}
	many := [][]any{}
	for i := 100; i < 140; i++ {
		many = append(many, []any{"echo", fmt.Sprint("id-", i)})
	}
	pipe(ctx, client.Pipeline(), false, many)
	pipe(ctx, client.TxPipeline(), true, [][]any{{"set", "id-200", "id-200"}, {"lpush", "id-200", "x"}, {"get", "id-200"}})
	ask("eval", "return redis.error_reply('OUCH id-201')", 0, "id-201")
	ask("eval", "return {1, 2, {3, 'id-202', false}}", 0, "id-202")
	client.Close()
}
