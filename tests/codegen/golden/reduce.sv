// net.0: reduce
  hpq_reduce #(
      .MODE        ("MAX"),
      .POSITIONS   (1),
      .TAPS        (1),
      .LANES       (2),
      .STEPS       (3),
      .CHUNKS      (2),
      .X_W         (4),
      .X_SIGNED    (1'b1),
      .EVERY       (1),
      .Y_W         (4),
      .Y_SIGNED    (1'b1),
      .MEMORY_STYLE("distributed")
  ) net_unit (
      .clk      (ap_clk),
      .rst      (rst),
      .in_data  (x_out_data),
      .in_valid (x_out_valid),
      .in_ready (x_out_ready),
      .out_data (y_in_data),
      .out_valid(y_in_valid),
      .out_ready(y_in_ready)
  );
