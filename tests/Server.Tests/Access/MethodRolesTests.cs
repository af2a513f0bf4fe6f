using Grpc.Health.V1;
using Relay.Access;
using Relay.AdminApi;

namespace Server.Tests.Access;

public sealed class MethodRolesTests
{
    private static readonly string[] Reflection =
    [
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    ];

    private static readonly string[] LookingVerbs = ["Get", "List", "Watch", "Verify"];

    [Fact]
    public void Table_EveryServiceThatAnswers_HasExactlyItsMethods()
    {
        var methods = new[] { AdminService.Descriptor, PolicyService.Descriptor, DecisionService.Descriptor, ConnectionService.Descriptor, Health.Descriptor }
            .SelectMany(service => service.Methods.Select(method => $"/{service.FullName}/{method.Name}"))
            .Concat(Reflection);

        Assert.Equal(methods.Order(), MethodRoles.Methods.Order());
    }

    [Theory]
    [InlineData("/relay.admin.v1.AdminService/GetStats", "Read", false)]
    [InlineData("/relay.admin.v1.AdminService/ListAudit", "Read", false)]
    [InlineData("/relay.admin.v1.PolicyService/ChangePolicy", "Operate", true)]
    [InlineData("/relay.admin.v1.AdminService/ListTokens", "Admin", false)]
    [InlineData("/relay.admin.v1.AdminService/CreateToken", "Admin", true)]
    [InlineData("/relay.admin.v1.AdminService/NoSuchMethod", "Admin", true)]
    [InlineData("/relay.admin.v1.AdminService/getstats", "Admin", true)]
    [InlineData("/other.Service/GetStats", "Admin", true)]
    [InlineData("", "Admin", true)]
    public void Of_AMethod_IsItsRuleAndOfAnUnknownOneTheStrictest(string method, string role, bool changes)
    {
        var rule = MethodRoles.Of(method);
        Assert.Equal((role, changes), (rule.Role.ToString(), rule.Changes));
    }

    [Fact]
    public void Table_WhatOnlyLooks_IsNamedLikeIt() => Assert.All(
        MethodRoles.Methods.Where(method => method.Contains(".AdminService/", StringComparison.Ordinal)),
        method => Assert.Equal(!LookingVerbs.Any(verb => method.Contains($"/{verb}", StringComparison.Ordinal)), MethodRoles.Of(method).Changes));

    [Theory]
    [InlineData("read", "Read")]
    [InlineData("operate", "Operate")]
    [InlineData("admin", "Admin")]
    [InlineData("none", null)]
    [InlineData("Admin", null)]
    [InlineData("1", null)]
    [InlineData("", null)]
    public void TryParse_AWord_IsARoleOnlyAsItIsWritten(string word, string? role)
    {
        Assert.Equal(role is not null, AdminRoles.TryParse(word, out var parsed));
        Assert.Equal(role ?? "None", parsed.ToString());
        Assert.Equal(role is null ? "none" : word, parsed.Word());
    }
}
