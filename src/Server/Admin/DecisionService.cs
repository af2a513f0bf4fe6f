using Grpc.Core;
using Relay.Addresses;
using Relay.AdminApi;
using Relay.Admission;

namespace Relay.Admin;

/// <summary>The gRPC service of decisions: request, one call, reply.</summary>
internal sealed class DecisionService(Explainer explainer, DecisionLog log, ConnectionLedger ledger, StreamingCalls calls)
    : AdminApi.DecisionService.DecisionServiceBase
{
    private const int MaxPast = 1_000;

    public override Task<Explanation> Explain(ExplainRequest request, ServerCallContext context) => Task.FromResult(explainer.Explain(request));

    public override async Task TailDecisions(TailDecisionsRequest request, IServerStreamWriter<DecisionEntry> responseStream, ServerCallContext context)
    {
        var filter = Filter(request);
        await calls.RunAsync(context, async (waits, writes) =>
        {
            // Subscribes before it reads the past, so that none is missed in between; duplicates are sent once.
            using var follower = log.Follow();
            // A relay where nothing happens must not look like one that does not answer.
            await context.WriteResponseHeadersAsync([]);
            var last = -1L;
            foreach (var logged in log.Last(request.Past, filter).Reverse())
            {
                await responseStream.WriteAsync(DecisionMapper.Of(logged, ledger), writes);
                last = logged.Sequence;
            }

            await foreach (var logged in follower.ReadAsync(waits))
            {
                if (logged.Sequence > last && filter(logged))
                {
                    await responseStream.WriteAsync(DecisionMapper.Of(logged, ledger), writes);
                }
            }
        });
    }

    private static Func<LoggedDecision, bool> Filter(TailDecisionsRequest request)
    {
        var errors = new List<(string, string)>();
        if (request.Past is < 0 or > MaxPast)
        {
            errors.Add(("past", $"{request.Past} is not in 0 to {MaxPast}"));
        }

        var network = default(IpPrefix);
        if (request.Cidr.Length > 0 && !IpPrefix.TryParse(request.Cidr, out network, out var error))
        {
            errors.Add(("cidr", error));
        }

        if (errors.Count > 0)
        {
            throw AdminErrors.Invalid(errors);
        }

        return logged => (!request.Refused || logged.Decision.Refusal != Refusal.None)
            && (request.Cidr.Length == 0 || network.Contains(logged.Address));
    }
}
