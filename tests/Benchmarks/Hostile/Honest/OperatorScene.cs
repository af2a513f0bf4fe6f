using Grpc.Core;

namespace Relay.Benchmarks.Hostile.Honest;

/// <summary>The operator, who asks the relay how it is.</summary>
internal sealed class OperatorScene(HonestSetting setting) : HonestScene(setting)
{
    public override Task StartAsync() => Task.CompletedTask;

    protected override async Task PlayRoundAsync(int round)
    {
        try
        {
            await Setting.Relay.StatsAsync();
        }
        catch (RpcException exception)
        {
            throw new HonestFault(Harm.Refused, $"the operator got no answer: {exception.Status}");
        }
    }
}
