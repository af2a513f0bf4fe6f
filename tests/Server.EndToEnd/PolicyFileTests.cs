using Grpc.Core;
using Relay.AdminApi;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd;

/// <summary>The policy file under a relayd that is killed, and under one that finds it damaged.</summary>
public sealed class PolicyFileTests
{
    [Fact]
    public async Task SavePolicy_KilledInTheMiddle_LeavesOneOfTheTwo()
    {
        var folder = Directory.CreateTempSubdirectory("relay-policy-");
        try
        {
            var file = Path.Combine(folder.FullName, "policy.json");
            var least = 50;
            var random = new Random();
            for (var round = 0; round < 12; round++)
            {
                await using var relay = await RelayProcess.StartAsync($"--Admission:PolicyFile={file}");
                using var channel = relay.OpenChannel();
                var admin = new PolicyAdmin(channel);
                var perIp = int.Parse(await admin.ItemAsync("per-ip"), null);
                Assert.InRange(perIp, least, least + 1);

                // Killed at some moment of many saves; least is the last that was answered, and one more may be on the disk.
                least = perIp;
                var kill = KillAfterAsync(relay, TimeSpan.FromMilliseconds(random.Next(60)));
                try
                {
                    while (!kill.IsCompleted)
                    {
                        await admin.SetAsync("per-ip", $"{least + 1}");
                        await admin.Client.SavePolicyAsync(new SavePolicyRequest(), PolicyAdmin.Call);
                        least++;
                    }
                }
                catch (RpcException e) when (e.StatusCode is StatusCode.Unavailable or StatusCode.Internal or StatusCode.Cancelled)
                {
                    // That was the kill.
                }

                await kill;
            }

            await using var last = await RelayProcess.StartAsync($"--Admission:PolicyFile={file}");
            using var lastChannel = last.OpenChannel();
            var perIpInForce = await new PolicyAdmin(lastChannel).ItemAsync("per-ip");
            Assert.InRange(int.Parse(perIpInForce, null), least, least + 1);

            // What is said at the start are the limits that hold, not those of the settings, and an address that relayctl finds.
            Assert.Contains($"at most 10,000 in all, {perIpInForce} per address", last.Output, StringComparison.Ordinal);
            Assert.Contains($"relayctl --server unix:{last.SocketPath} stats", last.Output, StringComparison.Ordinal);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task KillAfterAsync(RelayProcess relay, TimeSpan pause)
    {
        await Task.Delay(pause, TestContext.Current.CancellationToken);
        await relay.KillAsync();
    }

    [Fact]
    public async Task Start_FileDamaged_StopsWithTheLineAndLeavesItAlone()
    {
        var folder = Directory.CreateTempSubdirectory("relay-policy-");
        try
        {
            const string Text = "{\n  \"format\": 1,\n  \"revision\": 3,\n  \"savedAt\": \"2026-01-01T00:00:00Z\",\n  \"savedBy\": \"me\",\n  \"items\": {\n    \"per-ip\": \"none\"\n  }\n}\n";
            var file = Path.Combine(folder.FullName, "policy.json");
            await File.WriteAllTextAsync(file, Text, TestContext.Current.CancellationToken);
            var (exitCode, output) = await RelayProcess.RunAsync(
                ["--Listen:Address=127.0.0.1", "--Listen:Port=0", "--Admin:Socket=admin.sock", "--Identity:KeyFile=server.key", $"--Admission:PolicyFile={file}"]);

            Assert.Equal(1, exitCode);
            Assert.Contains($"the policy file {file} is damaged at line 7: per-ip: 'none' is not valid", output, StringComparison.Ordinal);
            Assert.Contains("Mend that line, or move the file away", output, StringComparison.Ordinal);
            Assert.DoesNotContain("   at Relay.", output, StringComparison.Ordinal);
            Assert.Equal(Text, await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
