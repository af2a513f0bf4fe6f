using Grpc.Core;
using Relay.AdminApi;
using Relay.AdminAuth;
using Relay.Configuration;

namespace Relay.Admin;

/// <summary>The gRPC service of the configuration: request, one call, reply.</summary>
internal sealed class ConfigurationService(Reloader reloader) : AdminApi.ConfigurationService.ConfigurationServiceBase
{
    private const int MaxReason = 256;

    public override Task<GetConfigurationResponse> GetConfiguration(GetConfigurationRequest request, ServerCallContext context) => Task.FromResult(new GetConfigurationResponse
    {
        Options =
        {
            ConfigurationShow.Rows(reloader.Running).Select(row => new ConfiguredOption
            {
                Name = row.Option.Path,
                Value = row.Value ?? "",
                Hidden = row.Value is null,
                Source = row.Source,
                Default = row.Option.Default,
                Live = row.Option.IsLive,
            }),
        },
    });

    public override Task<ReloadResponse> Reload(ReloadRequest request, ServerCallContext context)
    {
        if (request.Reason.Length > MaxReason)
        {
            throw AdminErrors.Invalid(("reason", $"{request.Reason.Length} characters; at most {MaxReason}"));
        }

        var caller = AdminCaller.Of(context);
        var result = reloader.Reload(caller.Who, request.Reason);
        caller.Changed(null, result.Result);
        return Task.FromResult(new ReloadResponse { Applied = { result.Applied }, NeedRestart = { result.NeedRestart }, Errors = { result.Errors } });
    }
}
