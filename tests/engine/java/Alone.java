package engine;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CountDownLatch;

/** What all launchers share: a node alone, bound to loopback, until this JVM is told to end. */
final class Alone {

    static final String NODE = "engine-1";

    interface Start {
        void run() throws Exception;
    }

    private Alone() {
    }

    /** Of the arguments HOME DATA HTTP_PORT. */
    static Map<String, String> settings(String[] args) {
        return Map.of(
            "path.home", args[0],
            "path.data", args[1],
            "path.logs", args[1],
            "cluster.name", "engine",
            "node.name", NODE,
            "discovery.type", "single-node",
            "network.host", "127.0.0.1",
            "http.port", args[2],
            "transport.port", "0",
            "cluster.routing.allocation.disk.threshold_enabled", "false");
    }

    static Path config(String[] args) throws IOException {
        return Files.createDirectories(Path.of(args[1], "config"));
    }

    static void serve(Closeable node, Start start) throws Exception {
        CountDownLatch stopped = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                node.close();
            } catch (Exception e) {
                e.printStackTrace();
            }
            stopped.countDown();
        }, "engine-shutdown"));
        start.run();
        stopped.await();
    }
}
