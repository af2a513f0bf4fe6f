using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Relay.AdminApi;
using Relay.History;

namespace Relay.Admin;

/// <summary>The gRPC service of the relay's history: request, one call, reply.</summary>
internal sealed class HistoryService(HistoryRecorder history) : AdminApi.HistoryService.HistoryServiceBase
{
    private const int MinSamples = 10;
    private const int DefaultSamples = 360;
    private static readonly TimeSpan MinSpan = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan MaxSpan = TimeSpan.FromHours(24);
    private static readonly TimeSpan DefaultSpan = TimeSpan.FromMinutes(15);

    public override Task<AdminApi.History> GetHistory(GetHistoryRequest request, ServerCallContext context)
    {
        var errors = new List<(string, string)>();
        var given = request.Span ?? Duration.FromTimeSpan(DefaultSpan);

        // Whole seconds and what is left of one: any number may be sent.
        var span = given.Seconds is >= 0 and <= 24 * 60 * 60 ? TimeSpan.FromSeconds(given.Seconds + (Math.Clamp(given.Nanos, 0, 999_999_999) / 1e9)) : TimeSpan.Zero;
        if (span < MinSpan || span > MaxSpan)
        {
            errors.Add(("span", $"{given.Seconds} s is not in 1 minute to 24 hours"));
        }

        var samples = request.MaxSamples == 0 ? DefaultSamples : request.MaxSamples;
        if (samples is < MinSamples or > SampleRing.Capacity)
        {
            errors.Add(("max_samples", $"{samples} is not in {MinSamples} to {SampleRing.Capacity:#,0}"));
        }

        return errors.Count > 0 ? throw AdminErrors.Invalid(errors) : Task.FromResult(history.Read(span, samples));
    }
}
