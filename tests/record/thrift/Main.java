// A Thrift server or client in Java: serve|call PORT PROTOCOL TRANSPORT [FIRST_ID]; a client prints a JSON
// line for each call.
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.thrift.TException;
import org.apache.thrift.protocol.TBinaryProtocol;
import org.apache.thrift.protocol.TCompactProtocol;
import org.apache.thrift.protocol.TJSONProtocol;
import org.apache.thrift.protocol.TProtocol;
import org.apache.thrift.protocol.TProtocolFactory;
import org.apache.thrift.server.TServer;
import org.apache.thrift.server.TSimpleServer;
import org.apache.thrift.transport.TServerSocket;
import org.apache.thrift.transport.TSocket;
import org.apache.thrift.transport.TTransport;
import org.apache.thrift.transport.TTransportFactory;
import org.apache.thrift.transport.layered.TFramedTransport;

public class Main {
  static class Handler implements Calls.Iface {
    public void ping(String id) {}

    public String echo(String id, String text) {
      return id + " " + text;
    }

    public int calculate(String id, Op op, int a, int b) throws Refused {
      if (op == Op.DIVIDE && b == 0) throw new Refused(4, id + " divides by 0");
      return op == Op.ADD ? a + b : op == Op.SUBTRACT ? a - b : a / b;
    }

    public Item enrich(String id, Item item) {
      item.count++;
      return item;
    }

    public String crash(String id) {
      throw new IllegalStateException(id);
    }

    public List<String> many(String id, int n) {
      List<String> all = new ArrayList<>();
      for (int i = 0; i < n; i++) all.add(id + " " + i);
      return all;
    }

    public void forget(String id) {}
  }

  interface Call {
    Object of(String id) throws TException;
  }

  static TProtocolFactory protocol(String name) {
    switch (name) {
      case "compact":
        return new TCompactProtocol.Factory();
      case "json":
        return new TJSONProtocol.Factory();
      case "old":
        return new TBinaryProtocol.Factory(false, false);
      default:
        return new TBinaryProtocol.Factory();
    }
  }

  static void serve(int port, String protocol, String transport) throws Exception {
    TServer.Args args =
        new TServer.Args(new TServerSocket(new InetSocketAddress("127.0.0.1", port)))
            .processor(new Calls.Processor<>(new Handler()))
            .protocolFactory(protocol(protocol))
            .transportFactory(
                transport.equals("framed") ? new TFramedTransport.Factory() : new TTransportFactory());
    new TSimpleServer(args).serve();
  }

  static long now() {
    Instant now = Instant.now();
    return now.getEpochSecond() * 1_000_000_000L + now.getNano();
  }

  static int next, port;
  static PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);

  static void row(String method, Call call) {
    String id = "id-" + next++, returned = "", error = "";
    long sent = now();
    try {
      Object got = call.of(id);
      returned = got == null ? "" : got.toString();
    } catch (Refused refused) {
      error = refused.why;
    } catch (TException failed) {
      error = failed.getMessage();
    }
    long done = now();
    out.printf(
        "{\"id\": \"%s\", \"port\": %d, \"method\": \"%s\", \"returned\": \"%s\", \"error\": \"%s\","
            + " \"sent_at\": %d, \"done_at\": %d}%n",
        id, port, method, returned, error, sent, done);
  }

  static Item item(String name) {
    Item item = new Item();
    item.name = name;
    item.count = -7;
    item.prices = List.of(1.5, -0.1, 1e300);
    item.tags = new HashMap<>();
    item.tags.put("a", new HashSet<>(Set.of(1L, -2L, 1L << 40)));
    item.setOk(true);
    item.raw = ByteBuffer.wrap(new byte[] {(byte) 0xff, 0, 1});
    item.op = Op.ADD;
    item.setSmall((short) -300);
    item.setTiny((byte) -3);
    item.nested = List.of(Map.of(Op.DIVIDE, List.of(true, false)), Map.of());
    return item;
  }

  static void call(int to, String protocol, String transport) throws Exception {
    TSocket socket = new TSocket("127.0.0.1", to);
    TTransport layer = transport.equals("framed") ? new TFramedTransport(socket) : socket;
    TProtocol p = protocol(protocol).getProtocol(layer);
    layer.open();
    port = socket.getSocket().getLocalPort();
    Calls.Client client = new Calls.Client(p);
    row("ping", id -> { client.ping(id); return null; });
    row("echo", id -> client.echo(id, "gr\u00fc\u00df"));
    row("calculate", id -> client.calculate(id, Op.SUBTRACT, 4, 9));
    row("calculate", id -> client.calculate(id, Op.DIVIDE, 1, 0));
    row("enrich", id -> client.enrich(id, item(id)).name);
    row("crash", id -> client.crash(id));
    row("many", id -> client.many(id, 20).get(0));
    row("forget", id -> { client.forget(id); return null; });
    row("ping", id -> { client.ping(id); return null; });
    layer.close();
  }

  public static void main(String[] args) throws Exception {
    int to = Integer.parseInt(args[1]);
    if (args[0].equals("serve")) serve(to, args[2], args[3]);
    next = Integer.parseInt(args[4]);
    call(to, args[2], args[3]);
  }
}
