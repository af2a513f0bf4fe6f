using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Relay.AdminApi;

namespace Relay.EndToEnd.Support;

/// <summary>An operator who changes the policy of a server over its admin socket.</summary>
internal sealed class PolicyAdmin(ChannelBase channel)
{
    public PolicyService.PolicyServiceClient Client { get; } = new(channel);

    public static CallOptions Call => new(deadline: DateTime.UtcNow.AddSeconds(30), cancellationToken: TestContext.Current.CancellationToken);

    public static ChangeOptions Holding(TimeSpan time) => new() { Ttl = Duration.FromTimeSpan(time) };

    public async Task<ChangePolicyResponse> SetAsync(LimitSettings limits, ChangeOptions? options = null) =>
        await Client.ChangePolicyAsync(new ChangePolicyRequest { Set = limits, Options = options }, Call);

    public Task<ChangePolicyResponse> SetPerIpAsync(int limit, ChangeOptions? options = null) => SetAsync(new LimitSettings { PerIp = limit }, options);

    public async Task<ChangePolicyResponse> OverrideAsync(Override row) => await Client.ChangePolicyAsync(new ChangePolicyRequest { SetOverrides = { row } }, Call);

    public async Task<EffectivePolicy> GetAsync() => await Client.GetPolicyAsync(new GetPolicyRequest(), Call);

    public async Task<int> PerIpAsync() => (await GetAsync()).Limits.PerIp;

    public async Task<BanResponse> BanAsync(string network, TimeSpan? duration = null, bool disconnect = false, bool force = false, bool dryRun = false) =>
        await Client.BanAsync(
            new BanRequest
            {
                Network = network,
                Duration = duration is { } time ? Duration.FromTimeSpan(time) : null,
                Reason = "a test",
                Disconnect = disconnect,
                Force = force,
                DryRun = dryRun,
            },
            Call);

    public static async Task<StatusCode> CodeAsync(Func<Task> call)
    {
        try
        {
            await call();
            return StatusCode.OK;
        }
        catch (RpcException e)
        {
            return e.StatusCode;
        }
    }
}
