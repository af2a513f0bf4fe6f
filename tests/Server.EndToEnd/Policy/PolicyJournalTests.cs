using Grpc.Core;
using Relay.AdminApi;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Policy;

/// <summary>The journal under a relayd that is killed again and again, and under one that finds it damaged.</summary>
[Trait("Programs", "Started")]
public sealed class PolicyJournalTests
{
    private const int Kills = 50;

    [Fact]
    public async Task Changes_KilledInTheMiddle_AreThereIfAnsweredAndNeverHalf()
    {
        var folder = Directory.CreateTempSubdirectory("relay-policy-");
        try
        {
            var file = Path.Combine(folder.FullName, "policy.jsonl");
            var random = new Random();
            var sent = new Dictionary<long, int>();
            var answered = 1L;
            for (var kill = 0; kill <= Kills; kill++)
            {
                await using var relay = await RelayProcess.StartAsync($"--Admission:PolicyFile={file}");
                using var channel = relay.OpenChannel();
                var admin = new PolicyAdmin(channel);
                answered = await CheckAsync(admin, sent, answered);
                if (kill < Kills)
                {
                    answered = await ChangeUntilKilledAsync(relay, admin, sent, answered, random.Next(30));
                }
            }

            Assert.True(answered > Kills, $"only {answered} revisions were answered");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    // What is there was sent, what was answered is there, and no revision is omitted.
    private static async Task<long> CheckAsync(PolicyAdmin admin, Dictionary<long, int> sent, long answered)
    {
        var policy = await admin.GetAsync();
        Assert.InRange(policy.Revision, answered, answered + 1);
        var history = (await admin.Client.ListRevisionsAsync(new ListRevisionsRequest(), PolicyAdmin.Call)).Revisions;
        Assert.Equal(Enumerable.Range(0, history.Count).Select(i => policy.Revision - i), history.Select(revision => revision.Revision_));
        foreach (var revision in history.Where(revision => revision.Revision_ > 1))
        {
            // Both items of a change or neither.
            Assert.Equal(["per-ip", "total"], revision.Changes.Select(change => change.Path));
            Assert.Equal($"{sent[revision.Revision_]}", revision.Changes[0].After);
            Assert.Equal($"{sent[revision.Revision_] * 2}", revision.Changes[1].After);
        }

        return policy.Revision;
    }

    // The kill comes with the answer of some change, while the next is on its way.
    private static async Task<long> ChangeUntilKilledAsync(RelayProcess relay, PolicyAdmin admin, Dictionary<long, int> sent, long revision, int changes)
    {
        Task? kill = null;
        try
        {
            for (var i = 0; kill is not { IsCompleted: true }; i++)
            {
                var value = 100 + ((int)revision % 400_000);
                sent[revision + 1] = value;
                var call = admin.SetAsync(new LimitSettings { PerIp = value, Total = value * 2 });
                kill ??= i >= changes ? relay.KillAsync() : null;
                revision = (await call).Revision;
            }
        }
        catch (RpcException e) when (e.StatusCode is StatusCode.Unavailable or StatusCode.Internal or StatusCode.Cancelled)
        {
            // That was the kill.
        }

        await (kill ?? relay.KillAsync());
        return revision;
    }

    [Fact]
    public async Task Start_LineDamaged_StopsWithTheLineAndLeavesItAlone()
    {
        var folder = Directory.CreateTempSubdirectory("relay-policy-");
        try
        {
            const string Text = "{\"time\":\"2026-01-01T00:00:00Z\",\"who\":\"relayd\"}\n";
            var file = Path.Combine(folder.FullName, "policy.jsonl");
            await File.WriteAllTextAsync(file, Text, TestContext.Current.CancellationToken);
            var (exitCode, output) = await RelayProcess.RunAsync(
                ["--Listen:Address=127.0.0.1", "--Listen:Port=0", "--Admin:Socket=admin.sock", "--Identity:KeyFile=server.key", $"--Admission:PolicyFile={file}"]);

            Assert.Equal(1, exitCode);
            Assert.Contains($"relayd: cannot start: {file} line 1: missing field revision; fix that line or move the file away", output, StringComparison.Ordinal);
            Assert.DoesNotContain("System.", output, StringComparison.Ordinal);
            Assert.Equal(Text, await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Start_AfterChanges_SaysWhichItemsAreNotAsConfigured()
    {
        var folder = Directory.CreateTempSubdirectory("relay-policy-");
        try
        {
            var file = $"--Admission:PolicyFile={Path.Combine(folder.FullName, "policy.jsonl")}";
            await using (var first = await RelayProcess.StartAsync(file))
            {
                using var channel = first.OpenChannel();
                await new PolicyAdmin(channel).SetPerIpAsync(20);
                await new PolicyAdmin(channel).BanAsync("203.0.113.7");
            }

            await using var second = await RelayProcess.StartAsync(file);
            Assert.Matches(@"Changed by operators and not as configured: per-ip 20 instead of 50, by uid=.* at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\. ", second.Output);
            using var again = second.OpenChannel();
            Assert.Equal(1, (await new PolicyAdmin(again).GetAsync()).Bans);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
