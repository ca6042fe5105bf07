// A Thrift server or client in Go: serve|call PORT PROTOCOL TRANSPORT [FIRST_ID]; a client prints a
// JSON line for each call.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"strconv"
	"time"

	"calls/gen-go/calls"

	"github.com/apache/thrift/lib/go/thrift"
)

type handler struct{}

func (handler) Ping(ctx context.Context, id string) error { return nil }

func (handler) Echo(ctx context.Context, id string, text string) (string, error) {
	return id + " " + text, nil
}

func (handler) Calculate(ctx context.Context, id string, op calls.Op, a int32, b int32) (int32, error) {
	switch {
	case op == calls.Op_DIVIDE && b == 0:
		return 0, &calls.Refused{Code: 4, Why: id + " divides by 0"}
	case op == calls.Op_DIVIDE:
		return a / b, nil
	case op == calls.Op_SUBTRACT:
		return a - b, nil
	}
	return a + b, nil
}

func (handler) Enrich(ctx context.Context, id string, item *calls.Item) (*calls.Item, error) {
	item.Count++
	return item, nil
}

func (handler) Crash(ctx context.Context, id string) (string, error) {
	return "", errors.New(id)
}

func (handler) Many(ctx context.Context, id string, n int32) ([]string, error) {
	all := []string{}
	for i := int32(0); i < n; i++ {
		all = append(all, fmt.Sprintf("%s %d", id, i))
	}
	return all, nil
}

func (handler) Forget(ctx context.Context, id string) error { return nil }

// Deflates what it writes.
type zipped struct{ thrift.TProtocolFactory }

func (z zipped) GetProtocol(trans thrift.TTransport) thrift.TProtocol {
	p := z.TProtocolFactory.GetProtocol(trans)
	must(p.(*thrift.THeaderProtocol).AddTransform(thrift.TransformZlib))
	return p
}

func protocols(name, transport string) thrift.TProtocolFactory {
	conf := &thrift.TConfiguration{}
	if transport == "header" || transport == "zlib" {
		id := thrift.THeaderProtocolBinary
		if name == "compact" {
			id = thrift.THeaderProtocolCompact
		}
		conf.THeaderProtocolID = &id
		factory := thrift.NewTHeaderProtocolFactoryConf(conf)
		if transport == "zlib" {
			return zipped{factory}
		}
		return factory
	}
	switch name {
	case "compact":
		return thrift.NewTCompactProtocolFactoryConf(conf)
	case "json":
		return thrift.NewTJSONProtocolFactory()
	case "old":
		no := false
		conf.TBinaryStrictRead, conf.TBinaryStrictWrite = &no, &no
	}
	return thrift.NewTBinaryProtocolFactoryConf(conf)
}

func transports(name string) thrift.TTransportFactory {
	switch name {
	case "framed":
		return thrift.NewTFramedTransportFactoryConf(thrift.NewTTransportFactory(), nil)
	case "header", "zlib":
		return thrift.NewTTransportFactory()
	}
	return thrift.NewTBufferedTransportFactory(8192)
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func serve(address, protocol, transport string) {
	socket, err := thrift.NewTServerSocket(address)
	must(err)
	server := thrift.NewTSimpleServer4(calls.NewCallsProcessor(handler{}), socket, transports(transport),
		protocols(protocol, transport))
	server.SetLogger(func(string) {})
	must(server.Serve())
}

type row struct {
	ID       string `json:"id"`
	Port     int    `json:"port"`
	Method   string `json:"method"`
	Returned string `json:"returned"`
	Error    string `json:"error"`
	SentAt   int64  `json:"sent_at"`
	DoneAt   int64  `json:"done_at"`
}

func call(address, protocol, transport string, id int) {
	socket := thrift.NewTSocketConf(address, nil)
	trans, err := transports(transport).GetTransport(socket)
	must(err)
	p := protocols(protocol, transport).GetProtocol(trans)
	client := calls.NewCallsClient(thrift.NewTStandardClient(p, p))
	must(socket.Open())
	port := socket.Conn().LocalAddr().(*net.TCPAddr).Port
	ctx := context.Background()
	try := func(method string, of func(name string) (string, error)) {
		r := row{ID: "id-" + strconv.Itoa(id), Port: port, Method: method, SentAt: time.Now().UnixNano()}
		returned, err := of(r.ID)
		r.DoneAt = time.Now().UnixNano()
		var refused *calls.Refused
		if errors.As(err, &refused) {
			r.Error = refused.Why
		} else if err != nil {
			r.Error = err.Error()
		} else {
			r.Returned = returned
		}
		line, _ := json.Marshal(r)
		fmt.Println(string(line))
		id++
	}
	try("ping", func(name string) (string, error) { return "", client.Ping(ctx, name) })
	try("echo", func(name string) (string, error) { return client.Echo(ctx, name, "gr\u00fc\u00df") })
	try("calculate", func(name string) (string, error) {
		n, err := client.Calculate(ctx, name, calls.Op_SUBTRACT, 4, 9)
		return strconv.Itoa(int(n)), err
	})
	try("calculate", func(name string) (string, error) {
		n, err := client.Calculate(ctx, name, calls.Op_DIVIDE, 1, 0)
		return strconv.Itoa(int(n)), err
	})
	try("enrich", func(name string) (string, error) {
		small, tiny := int16(-300), int8(-3)
		item := &calls.Item{Name: name, Count: -7, Prices: []float64{1.5, -0.1, 1e300},
			Tags: calls.Tags{"a": {1, -2, 1 << 40}}, Ok: true, Raw: []byte{0xff, 0, 1}, Op: calls.Op_ADD,
			Small: &small, Tiny: &tiny, Nested: []map[calls.Op][]bool{{calls.Op_DIVIDE: {true, false}}, {}}}
		back, err := client.Enrich(ctx, name, item)
		if err != nil {
			return "", err
		}
		return back.Name, nil
	})
	try("crash", func(name string) (string, error) { return client.Crash(ctx, name) })
	try("many", func(name string) (string, error) {
		all, err := client.Many(ctx, name, 20)
		if err != nil {
			return "", err
		}
		return all[0], nil
	})
	try("forget", func(name string) (string, error) { return "", client.Forget(ctx, name) })
	try("ping", func(name string) (string, error) { return "", client.Ping(ctx, name) })
	socket.Close()
}

func main() {
	address := "127.0.0.1:" + os.Args[2]
	if os.Args[1] == "serve" {
		serve(address, os.Args[3], os.Args[4])
	}
	first, err := strconv.Atoi(os.Args[5])
	must(err)
	call(address, os.Args[3], os.Args[4], first)
}
