// net.0: matvec
  // Products in LUTs: `multiplier` of this layer is lut, so that DSP blocks are left to others.
  hpq_matvec #(
      .SIMD          (1),
      .PE            (2),
      .GROUPS        (1),
      .NEURON_FOLDS  (2),
      .SYNAPSE_FOLDS (3),
      .X_W           (4),
      .X_SIGNED      (1'b1),
      .W_W           (3),
      .W_SIGNED      (1'b1),
      .IN_LUTS       (1'b1),
      .READ_REGISTER (1'b0),
      .STAGES        (2),
      .EVERY         (2),
      .SHIFT_REGISTER(1'b0),
      .CAST_REGISTERS(3'h0),
      .HAS_BIAS      (1'b1),
      .B_W           (5),
      .B_SIGNED      (1'b1),
      .ACC_W         (8),
      .PRODUCT_SHIFT (0),
      .BIAS_SHIFT    (1),
      .CLIP          ({1'b0, 1'b1, 8'sd0, 8'sd0}),
      .CAST_SHIFT    (2),
      .Y_W           (4),
      .Y_SIGNED      (1'b0),
      .ROUNDING      ("AP_RND"),
      .OVERFLOW      ("AP_SAT"),
      .WEIGHT_FILE   ("net_net_unit_weight.mem"),
      .WEIGHT_STYLE  ("distributed"),
      .BIAS_FILE     ("net_net_unit_bias.mem"),
      .BIAS_STYLE    ("distributed"),
      .BUFFER_STYLE  ("distributed"),
      .SHIFT_W       (2),
      .SHIFT_DEPTH   (2),
      .SHIFT_FILE    ("net_net_unit_shift.mem"),
      .SHIFT_STYLE   ("distributed")
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

// ==== rtl/net_net_unit_bias.mem
0c4
32b

// ==== rtl/net_net_unit_shift.mem
4
2

// ==== rtl/net_net_unit_weight.mem
02
28
15
22
30
3c
