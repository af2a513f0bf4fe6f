using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Relay.Cluster;

namespace Server.Tests.Cluster;

/// <summary>The bus of one relay on a real NATS server.</summary>
internal sealed class TestNode : IAsyncDisposable
{
    private readonly ITimer _sweep;

    public TestNode(ClusterOptions options, ILoggerFactory? logs = null)
    {
        logs ??= NullLoggerFactory.Instance;
        var time = TimeProvider.System;
        Node = new ClusterNode(options, time);
        Subjects = new ClusterSubjects(options);
        Connection = new ClusterConnection(options, time, logs.CreateLogger<ClusterConnection>());
        var questions = new Questions(options, time);
        Bus = new ClusterBus(options, Node, Subjects, Connection, questions, time, logs.CreateLogger<ClusterBus>());
        _sweep = time.CreateTimer(_ => questions.Sweep(), null, Questions.Interval, Questions.Interval);
    }

    public ClusterNode Node { get; }

    public ClusterSubjects Subjects { get; }

    public ClusterConnection Connection { get; }

    public ClusterBus Bus { get; }

    public static async Task<TestNode> StartAsync(string url, string name, Action<ClusterOptions>? set = null, ILoggerFactory? logs = null)
    {
        var options = new ClusterOptions { Nats = [url], Node = name };
        set?.Invoke(options);
        var node = new TestNode(options, logs);
        try
        {
            await node.Bus.StartAsync(CancellationToken.None);
            return node;
        }
        catch
        {
            await node.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _sweep.DisposeAsync();
        await Bus.StopAsync(CancellationToken.None);
        await Bus.DisposeAsync();
    }
}
