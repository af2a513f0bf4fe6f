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
            var least = 1;
            for (var round = 0; round < 2; round++)
            {
                await using var relay = await RelayProcess.StartAsync($"--Admission:PolicyFile={file}");
                using var channel = relay.OpenChannel();
                var admin = new PolicyAdmin(channel);
                var perIp = round == 0 ? 50 : int.Parse(await admin.ItemAsync("per-ip"), null);
                Assert.InRange(perIp, least, 1_000_000);
                for (var i = 0; i < 5; i++)
                {
                    await admin.SetAsync("per-ip", $"{++perIp}");
                    await admin.Client.SavePolicyAsync(new SavePolicyRequest(), PolicyAdmin.Call);
                }

                least = perIp;
                await admin.SetAsync("per-ip", $"{perIp + 1}");
                var save = admin.Client.SavePolicyAsync(new SavePolicyRequest(), PolicyAdmin.Call).ResponseAsync;
                await Task.WhenAll(relay.SignalAsync("KILL"), save.ContinueWith(_ => { }, TaskScheduler.Default));
                await relay.ExitAsync();
            }

            await using var last = await RelayProcess.StartAsync($"--Admission:PolicyFile={file}");
            using var lastChannel = last.OpenChannel();
            Assert.InRange(int.Parse(await new PolicyAdmin(lastChannel).ItemAsync("per-ip"), null), least, least + 1);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
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
