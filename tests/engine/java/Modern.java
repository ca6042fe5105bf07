package engine;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Properties;
import java.util.jar.JarFile;

import org.elasticsearch.Version;
import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.KeyStoreWrapper;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.node.InternalSettingsPreparer;

/**
 * What Elasticsearch 8 and 9 share. HOME/modules/NAME holds each module's jar.
 * With ENGINE_PASSWORD in the environment, security is on and that is the
 * password of the user 'elastic'; with ENGINE_KEYSTORE too (a PKCS#12 file of
 * the same password), HTTP is served over TLS.
 */
final class Modern {

    private Modern() {
    }

    static Environment environment(String[] args) throws Exception {
        describeModules(Path.of(args[0], "modules"));
        LogConfigurator.configureESLogging();
        Settings.Builder settings = Settings.builder();
        Alone.settings(args).forEach(settings::put);
        secure(settings, System.getenv("ENGINE_PASSWORD"), System.getenv("ENGINE_KEYSTORE"));
        return InternalSettingsPreparer.prepareEnvironment(
            settings.build(), Map.of(), Alone.config(args), () -> Alone.NODE);
    }

    private static void secure(Settings.Builder settings, String password, String keystore) throws Exception {
        settings.put("xpack.security.enabled", password != null);
        if (password == null) {
            return;
        }
        KeyStoreWrapper secrets = KeyStoreWrapper.create();
        secrets.setString("bootstrap.password", password.toCharArray());
        if (keystore != null) {
            settings.put("xpack.security.http.ssl.enabled", true);
            settings.put("xpack.security.http.ssl.keystore.path", keystore);
            secrets.setString("xpack.security.http.ssl.keystore.secure_password", password.toCharArray());
        }
        settings.setSecureSettings(secrets);
    }

    /**
     * Writes the descriptor of each modules/NAME that lacks one, from the copy
     * inside the module's own jar. The server runs on the class path here, not
     * as Java modules, so the line naming the Java module goes.
     */
    private static void describeModules(Path modules) throws Exception {
        try (var directories = Files.newDirectoryStream(modules)) {
            for (Path directory : directories) {
                String name = directory.getFileName().toString();
                Path target = directory.resolve("plugin-descriptor.properties");
                if (Files.exists(target)) {
                    continue;
                }
                Properties descriptor = new Properties();
                if (name.equals("engine-standin")) {
                    descriptor.put("name", name);
                    descriptor.put("description", "Stand-ins for parts of unpublished modules");
                    descriptor.put("classname", "engine.standin.StandInPlugin");
                    descriptor.put("version", Version.CURRENT.toString());
                    descriptor.put("elasticsearch.version", Version.CURRENT.toString());
                    descriptor.put("java.version", "17");
                    descriptor.put("extended.plugins", "x-pack-core");
                } else {
                    String entry = "META-INF/es-plugins/" + name + "/plugin-descriptor.properties";
                    try (JarFile jar = new JarFile(directory.resolve(name + ".jar").toFile())) {
                        descriptor.load(jar.getInputStream(jar.getEntry(entry)));
                    }
                    descriptor.remove("modulename");
                }
                try (var out = Files.newOutputStream(target)) {
                    descriptor.store(out, null);
                }
            }
        }
    }
}
