package engine.standin;

import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

import org.elasticsearch.ResourceNotFoundException;
import org.elasticsearch.action.support.master.AcknowledgedResponse;
import org.elasticsearch.client.internal.node.NodeClient;
import org.elasticsearch.cluster.metadata.ItemUsage;
import org.elasticsearch.common.settings.Setting;
import org.elasticsearch.core.CheckedFunction;
import org.elasticsearch.core.TimeValue;
import org.elasticsearch.rest.BaseRestHandler;
import org.elasticsearch.rest.RestRequest;
import org.elasticsearch.rest.action.RestChunkedToXContentListener;
import org.elasticsearch.rest.action.RestToXContentListener;
import org.elasticsearch.xcontent.NamedXContentRegistry;
import org.elasticsearch.xcontent.ParseField;
import org.elasticsearch.xcontent.XContentParser;
import org.elasticsearch.xpack.core.ilm.DeleteAction;
import org.elasticsearch.xpack.core.ilm.LifecycleAction;
import org.elasticsearch.xpack.core.ilm.LifecyclePolicy;
import org.elasticsearch.xpack.core.ilm.LifecycleSettings;
import org.elasticsearch.xpack.core.ilm.LifecycleType;
import org.elasticsearch.xpack.core.ilm.RolloverAction;
import org.elasticsearch.xpack.core.ilm.TimeseriesLifecycleType;
import org.elasticsearch.xpack.core.ilm.action.GetLifecycleAction;
import org.elasticsearch.xpack.core.ilm.action.PutLifecycleRequest;

import static org.elasticsearch.rest.RestRequest.Method.GET;
import static org.elasticsearch.rest.RestRequest.Method.PUT;

/**
 * The policies of ILM without what carries them out (module x-pack-ilm): they
 * are read, judged and shown by the server's own code, which is in x-pack-core,
 * and kept until the server ends. Of the actions, those of our policy.
 */
final class Policies extends BaseRestHandler {

    private record Kept(LifecyclePolicy policy, long version, String modified) {
    }

    private final Map<String, Kept> kept = new ConcurrentHashMap<>();

    static List<Setting<?>> settings() {
        return List.of(LifecycleSettings.LIFECYCLE_NAME_SETTING);
    }

    static List<NamedXContentRegistry.Entry> parts() {
        return List.of(
            new NamedXContentRegistry.Entry(LifecycleType.class, new ParseField(TimeseriesLifecycleType.TYPE),
                parser -> TimeseriesLifecycleType.INSTANCE),
            action(RolloverAction.NAME, RolloverAction::parse),
            action(DeleteAction.NAME, DeleteAction::parse));
    }

    private static NamedXContentRegistry.Entry action(String name,
            CheckedFunction<XContentParser, LifecycleAction, IOException> read) {
        return new NamedXContentRegistry.Entry(LifecycleAction.class, new ParseField(name), read);
    }

    @Override
    public String getName() {
        return "engine_policies";
    }

    @Override
    public List<Route> routes() {
        return List.of(new Route(PUT, "/_ilm/policy/{name}"), new Route(GET, "/_ilm/policy/{name}"));
    }

    @Override
    protected RestChannelConsumer prepareRequest(RestRequest request, NodeClient client) throws IOException {
        String name = request.param("name");
        return request.method() == PUT ? put(name, request) : get(name);
    }

    private RestChannelConsumer put(String name, RestRequest request) throws IOException {
        PutLifecycleRequest put;
        try (XContentParser parser = request.contentParser()) {
            put = PutLifecycleRequest.parseRequest(new PutLifecycleRequest.Factory() {
                @Override
                public PutLifecycleRequest create(LifecyclePolicy policy) {
                    return new PutLifecycleRequest(TimeValue.MAX_VALUE, TimeValue.MAX_VALUE, policy);
                }

                @Override
                public String getPolicyName() {
                    return name;
                }
            }, parser);
        }
        var wrong = put.validate();
        if (wrong != null) {
            throw wrong;
        }
        kept.compute(name, (same, old) ->
            new Kept(put.getPolicy(), old == null ? 1 : old.version() + 1, Instant.now().toString()));
        return channel -> new RestToXContentListener<AcknowledgedResponse>(channel).onResponse(AcknowledgedResponse.TRUE);
    }

    private RestChannelConsumer get(String name) {
        Kept one = kept.get(name);
        if (one == null) {
            throw new ResourceNotFoundException("Lifecycle policy not found: {}", name);
        }
        var item = new GetLifecycleAction.LifecyclePolicyResponseItem(one.policy(), one.version(), one.modified(),
            new ItemUsage(List.of(), List.of(), List.of()));
        return channel -> new RestChunkedToXContentListener<GetLifecycleAction.Response>(channel)
            .onResponse(new GetLifecycleAction.Response(List.of(item)));
    }
}
